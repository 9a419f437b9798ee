select id, name, login from officer where id = any($1::bigint[])

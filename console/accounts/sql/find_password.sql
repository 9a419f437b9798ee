select login, name, password from officer where id = $1 and disabled_at is null

select number, id from subscriber where number = any($1::bigint[])

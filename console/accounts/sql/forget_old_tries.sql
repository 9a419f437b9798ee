delete from sign_in_try
where whom = any($1::bytea[]) and at < now() - make_interval(mins => $2)

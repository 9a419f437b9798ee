update subscriber
set language = $2, changed = pg_current_xact_id()
where number = any($1::bigint[])

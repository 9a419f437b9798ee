select pg_advisory_xact_lock(hashtext('template'), hashtext($1))

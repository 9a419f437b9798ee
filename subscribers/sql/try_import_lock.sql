-- One import at a time in a database; the lock goes with the connection.
select pg_try_advisory_lock(hashtextextended('todoke import subscribers', 0))

select pg_advisory_lock_shared(hashtextextended('todoke bench moves', 0))

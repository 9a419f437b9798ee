select pg_advisory_unlock_shared(hashtextextended('todoke bench moves', 0))

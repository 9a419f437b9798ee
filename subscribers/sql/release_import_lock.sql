select pg_advisory_unlock(hashtextextended('todoke import subscribers', 0))

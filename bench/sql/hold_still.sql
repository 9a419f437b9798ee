-- Not by locks on the tables: those would end a vacuum under way.
select pg_advisory_xact_lock(hashtextextended('todoke bench moves', 0))

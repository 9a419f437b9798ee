select
    pg_relation_size('position') as heap,
    pg_indexes_size('position') as indexes,
    n_dead_tup as dead,
    autovacuum_count as vacuums
from pg_stat_user_tables
where relname = 'position'

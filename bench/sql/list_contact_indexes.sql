select indexname, indexdef
from pg_indexes
where schemaname = 'public' and tablename = 'contact' and indexname <> 'contact_pkey'

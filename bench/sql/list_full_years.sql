-- Tables of batches that hold any.
select relname as part
from pg_class
where relname ~ '^batch_([0-9]+|before|default)$' and relkind = 'r' and pg_relation_size(oid) > 0

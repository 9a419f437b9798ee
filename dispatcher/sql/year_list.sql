-- The years there are tables for, the oldest first, which names of dispatches stand in each, from `first` to
-- before `last`, and the year that came after. Of a table that is dropped while this looks PostgreSQL gives no bounds:
-- it is not there any more.
select year, first, last, 2000 + left(last, 2)::integer as next
from (
    select substr(c.relname, length('batch_') + 1) as year,
           coalesce(substring(pg_get_expr(c.relpartbound, c.oid) from 'FROM \(''([0-9]+)'), '') as first,
           substring(pg_get_expr(c.relpartbound, c.oid) from 'TO \(''([0-9]+)') as last
    from pg_inherits i
    join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'batch'::regclass and c.relname <> 'batch_default'
) part
where last is not null
order by last

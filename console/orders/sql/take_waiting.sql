-- Scheduled drill $1, unless somebody is at it.
select o.state, o.hash, o.start_at, clock_timestamp() as now, coalesce(a.epoch <> e.number, false) as restored
from town_order o
left join town_order_approval a on a.id = o.approval
cross join epoch e
where o.id = $1 and o.state in ('submitted', 'approved') and o.start_at is not null
for update of o skip locked

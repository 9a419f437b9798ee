-- Order $1 if it has to leave now, and nobody else is at it; with what makes it too late, or another database's.
select o.hash, o.release_at, o.start_at is not null as scheduled, clock_timestamp() as now, a.epoch <> e.number as restored
from town_order o
join town_order_approval a on a.id = o.approval, epoch e
where o.id = $1 and o.state = 'counting' and o.release_at <= clock_timestamp()
for update of o skip locked

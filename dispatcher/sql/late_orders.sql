-- The orders in force, and what is needed to write batches of them. One that was planned this very second is left to be
-- sent first: should it have to be compared with everybody in its area, that takes a second for a million people.
select d.id, d.event, d.priority, d.parent, d.approved_at, d.digest, o.area_of, o.kin,
    extract(epoch from now() - d.approved_at)::float8 as age
from order_in_force o
join dispatch d on d.id = o.dispatch
where o.area_of is not null
  and (d.state = 'drained' or d.planned_at < now() - interval '1 second')
order by d.priority, d.approved_at

-- The dispatches that belong together with $1, but for $2: what it refers to, up to the first order, and everything
-- that refers to these; in the order they were approved.
with recursive ancestor as (
    select d.id, d.parent from dispatch d where d.id = $1
    union
    select d.id, d.parent from dispatch d join ancestor a on d.id = a.parent
), family as (
    select a.id from ancestor a where a.parent is null
    union
    select d.id from dispatch d join family f on d.parent = f.id
)
select d.id, d.relation, d.state, e.area
from family
join dispatch d using (id)
join event e on e.number = d.event
where d.id is distinct from $2
order by d.approved_at, d.id

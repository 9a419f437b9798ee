-- The latest dispatch of this event that was not stopped. A drill is no reason against the real thing.
select d.id
from dispatch d
join event e on e.number = d.event
where e.id = $1 and d.mode = $2 and d.state <> 'cancelled'
order by d.created_at desc
limit 1

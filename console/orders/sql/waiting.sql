-- Scheduled drills of the next day: what is later may well take place.
select id
from town_order
where state in ('submitted', 'approved') and start_at < clock_timestamp() + interval '1 day'
order by start_at, id

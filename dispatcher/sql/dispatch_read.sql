select d.*, e.id as event_id, e.document -> 'channels' as channels
from dispatch d
join event e on e.number = d.event
where d.id = $1

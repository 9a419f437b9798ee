select d.*, e.id as event_id, coalesce(e.document -> 'channels', '[]') as channels, d.id as dispatch,
       h.reason, h.was, h.found, h.at
from dispatch d
join event e on e.number = d.event
left join lateral (select * from hold where hold.dispatch = d.id order by hold.number desc limit 1) h on true
where d.id = $1

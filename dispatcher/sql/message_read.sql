select m.channel, m.language, coalesce(m.shelter, '') as shelter, coalesce(m.distance, 0) as distance,
       coalesce(m.audience, '') as audience, m.subject, m.body, d.class
from message m
join dispatch d on d.id = m.dispatch
where m.dispatch = $1 and m.number = $2

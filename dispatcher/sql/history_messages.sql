select m.number, m.channel, m.language, m.audience, m.shelter, s.name as shelter_name, m.distance, m.subject, m.body
from message m
left join shelter s on s.id = m.shelter
where m.dispatch = $1
order by m.number

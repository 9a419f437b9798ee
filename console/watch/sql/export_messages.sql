select m.number, m.language, m.audience, coalesce(s.name, m.shelter) as shelter
from message m
left join shelter s on s.id = m.shelter
where m.dispatch = $1

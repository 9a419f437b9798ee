select m.language, m.subject, m.body, d.class, d.mode
from message m
join dispatch d on d.id = m.dispatch
where m.dispatch = $1 and m.number = $2

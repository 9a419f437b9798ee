select a.at, o.name, a.action, a.details
from audit a
left join officer o on o.id = a.actor
where a.subject = $1
order by a.seq desc
limit 200

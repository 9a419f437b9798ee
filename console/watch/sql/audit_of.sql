-- What officers did to dispatch $1, and to the order it came from, with their names.
select a.seq, a.at, a.action, a.details, o.name as actor
from audit a
left join officer o on o.id = a.actor
where a.subject = 'dispatch:' || $1
   or a.subject = (select 'order:' || t.id from town_order t where t.dispatch = $1)
order by a.seq

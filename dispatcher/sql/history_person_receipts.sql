select r.batch, r.at, r.outcome, r.code, r.ref
from receipt r
join unnest($2::integer[], $3::integer[]) as member (batch, position) using (batch, position)
where r.dispatch = $1
order by r.at

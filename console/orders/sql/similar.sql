-- The last dispatch of class $1, mode $2 and hazard $3 that was no correction, lift or canary, and that somebody counted.
select d.id, d.approved_at, coalesce(d.counted, d.audience) as people, d.audience
from dispatch d
join event e on e.number = d.event
where d.class = $1 and d.mode = $2 and e.document ->> 'hazard' is not distinct from $3
  and (d.relation is null or d.relation = 'updates') and d.state <> 'cancelled'
  and coalesce(d.counted, d.audience) is not null
  and not exists (select from canary c where c.dispatch = d.id)
order by d.approved_at desc
limit 1

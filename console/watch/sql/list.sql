-- Dispatches, the newest first; canaries are none. $1, $2: mode and class, null for all; $3: states; $4, $5: after this one.
select d.id, d.class, d.mode, d.state, d.relation, d.approved_at, d.audience, d.stopped_by, d.created_at,
       e.document -> 'area_name' as area_name, e.document ->> 'hazard' as hazard, (e.document ->> 'level')::integer as level
from dispatch d
join event e on e.number = d.event
where ($1::text is null or d.mode = $1)
  and ($2::text is null or d.class = $2)
  and d.state = any($3::text[])
  and ($4::timestamptz is null or (d.created_at, d.id) < ($4, $5::text))
  and not exists (select from canary c where c.dispatch = d.id)
order by d.created_at desc, d.id desc
limit $6

-- Dispatches whose time is not over, and nothing sent since updates, corrects or lifts them.
select d.id, d.mode, d.class, d.valid_until, (e.document ->> 'level')::integer as level, e.document ->> 'hazard' as hazard,
       coalesce(e.document -> 'area_name' ->> 'ja', e.document ->> 'area_name') as area_name,
       coalesce(d.audience, d.counted) as people
from dispatch d
join event e on e.number = d.event
where d.state in ('approved', 'planning', 'sending', 'held', 'drained')
  and d.valid_until > now()
  and d.class <> 'code'
  and d.relation is distinct from 'lifts'
  and not exists (select from canary c where c.dispatch = d.id)
  and not exists (
      select from dispatch later
      where later.parent = d.id and later.relation is not null and later.state not in ('cancelled', 'expired')
  )
order by d.mode = 'live' desc, d.created_at desc
limit 50

-- Orders in force: not yet over, and nothing sent since that updates, corrects or lifts them.
select d.id, d.mode, d.class, d.valid_until, e.area, (e.document ->> 'level')::integer as level,
       coalesce(e.document -> 'area_name' ->> 'ja', e.document ->> 'area_name') as name
from dispatch d
join event e on e.number = d.event
where d.state in ('approved', 'planning', 'sending', 'held', 'drained')
  and d.valid_until > now()
  and d.class <> 'code'
  and d.relation is distinct from 'lifts'
  and e.area is not null
  and not exists (
      select from dispatch later
      where later.parent = d.id and later.relation is not null and later.state not in ('cancelled', 'expired')
  )
order by d.created_at

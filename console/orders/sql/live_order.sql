-- Whether a real warning is in force, being sent, or about to be.
select exists (
    select from dispatch d
    where d.mode = 'live' and d.class in ('evacuation', 'advisory') and d.valid_until > now()
      and d.state not in ('cancelled', 'expired') and d.stopped_by is null and d.relation is distinct from 'lifts'
      and not exists (select from canary c where c.dispatch = d.id)
      and not exists (
          select from dispatch l
          where l.parent = d.id and l.relation = 'lifts' and l.state not in ('cancelled', 'expired')
      )
) or exists (
    select from town_order o
    join town_order_version v on v.order_id = o.id and v.number = o.version
    where o.mode = 'live' and (o.state = 'counting' or o.state = 'submitted' and o.changed_at > now() - interval '1 hour')
      and v.document ->> 'class' in ('evacuation', 'advisory')
)

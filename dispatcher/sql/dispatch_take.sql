-- The most urgent dispatch that nobody alive plans, among the priorities from $2 to $3; nor does session $1 itself, which plans
-- one at a time of these: what is left in its name it could not put back, or never heard that it had taken it. One that refers to another waits
-- until that one is planned: whom it concerns depends on whom the other reaches.
update dispatch
set state = 'planning', planner = $1
where id = (
    select d.id
    from dispatch d
    where d.valid_until > now()
      and d.priority between $2 and $3
      and not exists (
          select from dispatch p
          where p.id = d.parent and p.valid_until > now()
            and (p.state in ('approved', 'planning') or (p.state = 'held' and p.planned_at is null)))
      and (d.state = 'approved'
           or (d.state = 'planning' and (d.planner = $1 or not exists (
               select from worker_session w
               where w.number = d.planner and not w.expired and w.ended_at is null))))
    order by d.priority, d.approved_at
    limit 1
    for update skip locked
)
returning id, event, class, mode, priority, parent, relation, approved_at, digest, counted, next_batch, numbers_from

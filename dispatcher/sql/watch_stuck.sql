-- Lanes where something has waited for $1 seconds, due or claimed, and nothing was claimed or recorded in all that time;
-- but for those that only let something more urgent on their channel go first.
with waiting as (
    select b.channel, b.lane, b.priority,
           min(case when b.state || '' = 'due' then b.due_at else b.claimed_at end) as since, sum(b.size) as people
    from dispatch d
    join batch b on b.dispatch = d.id
    where d.state in ('planning', 'sending') and d.valid_until > now() and b.state || '' in ('due', 'claimed')
    group by b.channel, b.lane, b.priority
)
select w.channel, w.lane, extract(epoch from now() - w.since)::float8 as seconds, w.people
from waiting w
where w.since <= now() - $1 * interval '1 second'
  and not exists (select from waiting u where u.channel = w.channel and u.priority < w.priority)
  and not exists (
      select from dispatch d
      join batch b on b.dispatch = d.id
      left join lateral (
          select a.at from attempt a
          where a.dispatch = b.dispatch and a.batch = b.number and a.at > now() - $1 * interval '1 second' limit 1
      ) called on b.state || '' = 'claimed'
      where (d.state in ('planning', 'sending') or d.ended_at > now() - $1 * interval '1 second')
        and b.channel = w.channel and b.lane = w.lane
        and (b.claimed_at > now() - $1 * interval '1 second' or called.at is not null)
  )

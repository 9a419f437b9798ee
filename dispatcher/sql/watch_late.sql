-- How much there is of every open dispatch on each lane, and since when the oldest of it waits (null: nothing does).
-- Whoever came in later waits since then.
select d.id, d.class, d.mode, b.channel, b.lane, b.priority, count(*) as batches, sum(b.size) as people,
       coalesce(sum(b.size) filter (where b.state || '' in ('due', 'claimed')), 0) as waiting,
       extract(epoch from now() - min(coalesce(b.entered_at, d.approved_at))
           filter (where b.state || '' in ('due', 'claimed')))::float8 as seconds
from dispatch d
join batch b on b.dispatch = d.id
where d.state in ('planning', 'sending') and d.valid_until > now()
group by d.id, d.class, d.mode, b.channel, b.lane, b.priority, b.entered_at is null
union all
select d.id, d.class, d.mode, '', '', d.priority, 0, 0, 0, extract(epoch from now() - d.approved_at)::float8
from dispatch d
where d.state = 'approved' and d.valid_until > now()

-- When each channel was called first and last, and in how many batches and attempts.
select b.channel, min(a.at) as began, max(a.at) as ended, count(distinct b.number) as batches,
       count(distinct (b.number, a.attempt)) as attempts
from batch b
join attempt a on a.dispatch = b.dispatch and a.batch = b.number
where b.dispatch = $1
group by b.channel
order by began

-- When the last outcome of each channel was recorded.
select b.channel, max(a.at) as at
from attempt a
join batch b on b.dispatch = a.dispatch and b.number = a.batch
where a.dispatch = $1
group by b.channel

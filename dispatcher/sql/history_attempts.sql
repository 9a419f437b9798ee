select
    b.channel, extract(epoch from a.at - d.approved_at)::double precision as seconds,
    a.outcomes, cardinality(a.positions) as called
from attempt a
join batch b on b.dispatch = a.dispatch and b.number = a.batch
join dispatch d on d.id = a.dispatch
where a.dispatch = $1

select
    b.channel, extract(epoch from a.at - d.approved_at)::double precision as seconds,
    a.outcomes, coalesce(nullif(cardinality(a.positions), 0), cardinality(b.members)) as called
from attempt a
join batch b on b.dispatch = a.dispatch and b.number = a.batch
join dispatch d on d.id = a.dispatch
where a.dispatch = $1

-- Messages that a provider took and could not deliver, by what it said.
select b.channel, r.outcome, r.code, count(distinct (r.batch, r.position)) as people
from receipt r
join batch b on b.dispatch = r.dispatch and b.number = r.batch
where r.dispatch = $1 and r.outcome in (30, 50)
group by 1, 2, 3

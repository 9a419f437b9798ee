select a.batch, a.attempt, a.part, a.session, a.at, a.positions, a.outcomes, a.codes, a.refs,
       cardinality(b.members) as size
from attempt a
join batch b on b.dispatch = a.dispatch and b.number = a.batch
where a.dispatch = $1
order by a.at

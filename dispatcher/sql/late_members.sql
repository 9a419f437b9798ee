-- Who stands in batches of the dispatches $1, of each from the number in $2 on. Numbers of a dispatch are committed in
-- their order, so nothing is skipped.
select b.dispatch, b.number, array_send(b.members) as members, b.outcomes, b.proofs
from unnest($1::text[], $2::integer[]) as known (dispatch, first)
cross join lateral (select * from batch where batch.dispatch = known.dispatch and batch.number >= known.first) b

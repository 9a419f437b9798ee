-- Who stands in batches of the dispatches $1, of each from the number in $2 on. Numbers of a dispatch are committed in
-- their order, so nothing is skipped. Whoever was only told that the order no longer holds for them does not have it.
select b.dispatch, b.number, array_send(b.members) as members, b.outcomes, b.proofs
from unnest($1::text[], $2::integer[]) as known (dispatch, first)
cross join lateral (select * from batch where batch.dispatch = known.dispatch and batch.number >= known.first) b
where not exists (
    select from message m where m.dispatch = b.dispatch and m.number = b.messages[1] and m.audience = 'released'
)

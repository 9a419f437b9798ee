-- Batches of dispatches $1 that are not through.
select b.dispatch, b.number, b.outcomes, b.proofs, b.repeated
from unnest($1::text[]) as held (dispatch)
cross join lateral (select * from batch where batch.dispatch = held.dispatch and batch.state || '' in ('due', 'claimed')) b

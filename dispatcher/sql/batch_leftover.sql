-- Batches that still wait in dispatches that were stopped or have expired: dispatch by dispatch, however many
-- batches wait in others.
select b.dispatch, b.number, b.outcomes, b.proofs, d.state
from dispatch d
cross join lateral (
    select w.dispatch, w.number, w.outcomes, w.proofs
    from batch w
    where w.dispatch = d.id and w.state || '' = 'due'
    limit 500
    for no key update skip locked
) b
where d.state in ('cancelled', 'expired')
limit 500

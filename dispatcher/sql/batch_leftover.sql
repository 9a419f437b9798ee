-- Batches that still wait in dispatches that were stopped or have expired.
select b.dispatch, b.number, b.outcomes, b.proofs, d.state
from batch b
join dispatch d on d.id = b.dispatch
where b.state = 'due' and d.state in ('cancelled', 'expired')
limit 500
for no key update of b skip locked

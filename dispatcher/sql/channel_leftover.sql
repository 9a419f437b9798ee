-- Batches that still wait for a channel that was stopped.
select b.dispatch, b.number, b.outcomes, b.proofs, 'cancelled' as state
from dispatch d
cross join lateral (
    select w.dispatch, w.number, w.outcomes, w.proofs
    from batch w
    where w.dispatch = d.id and w.state || '' = 'due' and w.channel = any(d.stopped_channels)
    limit 500
    for no key update skip locked
) b
where d.stopped_channels <> '{}' and d.state in ('approved', 'planning', 'sending', 'held')
limit 500

-- Batches held by sessions that are no more.
select b.dispatch, b.number, b.channel, b.attempt, b.session, b.started, b.outcomes, b.proofs, b.tries,
       b.repeat_at, b.claimed_at, d.class
from batch b
join worker_session w on w.number = b.session
join dispatch d on d.id = b.dispatch
where b.state = 'claimed' and (w.expired or w.ended_at is not null)
limit 500

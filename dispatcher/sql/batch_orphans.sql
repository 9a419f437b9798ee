-- Batches held by sessions that are no more. What is claimed is few: its sessions and dispatches are looked up one by one.
select b.dispatch, b.number, b.channel, b.attempt, b.session, b.started, b.outcomes, b.proofs, b.repeated, b.counts_once, b.deaths, b.suspect, b.tries,
       b.repeat_at, b.claimed_at, (select d.class from dispatch d where d.id = b.dispatch) as class
from batch b
where b.state = 'claimed'
  and (select w.expired or w.ended_at is not null from worker_session w where w.number = b.session)
limit 500

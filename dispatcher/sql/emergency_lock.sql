select b.key, b.outcomes, b.proofs, b.repeated, b.state, b.session,
       (select w.expired or w.ended_at is not null from worker_session w where w.number = b.session) as orphaned
from batch b
where b.dispatch = $1 and b.number = $2
for no key update

select b.key, b.outcomes, b.proofs, b.repeated, b.state, b.session, b.started
from batch b
where b.dispatch = $1 and b.number = $2
for no key update

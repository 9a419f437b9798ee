select messages, members, places, outcomes, proofs, state, started
from batch
where dispatch = $1
order by number

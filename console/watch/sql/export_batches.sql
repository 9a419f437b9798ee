select number, channel, state, started, members, messages, outcomes, proofs
from batch
where dispatch = $1 and number > $2
order by number
limit $3

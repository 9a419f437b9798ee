-- Batches of dispatch $1 that are through, in which somebody was quarantined (14) or refused (30).
select number, channel, outcomes, proofs, members
from batch
where dispatch = $1 and state = 'done'
  and (position('\x0e'::bytea in outcomes) > 0 or position('\x1e'::bytea in outcomes) > 0)
order by number
for no key update

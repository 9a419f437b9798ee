-- As emergency_batches, of batches whose members are known.
select number, outcomes, proofs, state, session, attempt, started, tries, first_attempt_at, repeat_at, counts_once, repeated
from batch
where dispatch = $1 and number = any($2::integer[])

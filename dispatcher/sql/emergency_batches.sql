-- Batches $2 of dispatch $1, as they stand; the arrays as bytes, of which no object a number is made.
select number, key, channel, lane, priority, array_send(messages) as messages, array_send(members) as members,
       outcomes, proofs, state, session, attempt, started, tries, first_attempt_at, repeat_at, counts_once, repeated
from batch
where dispatch = $1 and number = any($2::integer[])

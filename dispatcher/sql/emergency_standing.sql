-- Who stands where in dispatch $1 on channels $2, but for batches $3.
select number, channel, array_send(members) as members, outcomes, proofs, state, started
from batch
where dispatch = $1 and channel = any($2::text[]) and number <> all($3::integer[])

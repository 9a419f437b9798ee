insert into canary (dispatch, channel, proof, answer, counted, deadline, next_at)
values ($1, $2, $3, $4, $5, now() + $6 * interval '1 second', now() + $7 * interval '1 second')

insert into attempt (dispatch, batch, attempt, part, session, positions, outcomes, codes, refs, millis)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict do nothing

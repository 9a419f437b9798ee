-- One that is there already was merged before.
insert into attempt (dispatch, batch, attempt, part, session, at, positions, outcomes, codes, refs, millis, emergency)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
on conflict do nothing

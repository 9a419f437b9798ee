-- A batch that was cut without the database.
insert into batch (dispatch, number, parent, key, channel, lane, priority, messages, members, places, outcomes, counts_once, state)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'due')

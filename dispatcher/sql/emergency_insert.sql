-- A batch that was cut without the database, as it stands.
insert into batch (dispatch, number, parent, key, channel, lane, priority, messages, members, places, counts_once,
                   outcomes, repeated, state, attempt, tries, first_attempt_at, repeat_at, due_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,
        $12, $13, $14, $15, $16, $17, now() + $18 * interval '1 second',
        coalesce(
            least(now() + $19 * interval '1 second', case when $20 then now() + $18 * interval '1 second' end),
            now()
        ))

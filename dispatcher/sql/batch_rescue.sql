-- Take a batch from a session that is no more. Only what is claimed has a session.
update batch
set outcomes = $5, state = $6, session = null, tries = $7,
    repeat_at = coalesce(now() + $8 * interval '1 second', repeat_at),
    due_at = coalesce(
        least(
            now() + $9 * interval '1 second',
            case when $10 then coalesce(now() + $8 * interval '1 second', repeat_at) end
        ),
        due_at
    )
where dispatch = $1 and number = $2 and attempt = $3 and session = $4
returning number

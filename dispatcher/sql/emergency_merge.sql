-- What a journal knows of a batch. Whoever had it claimed holds it no longer.
update batch
set outcomes = $3, repeated = $11, state = $4, session = null, started = 0, attempt = greatest(attempt, $5), tries = greatest(tries, $6),
    first_attempt_at = least(first_attempt_at, $7),
    repeat_at = coalesce(now() + $8 * interval '1 second', repeat_at),
    due_at = coalesce(
        least(
            now() + $9 * interval '1 second',
            case when $10 then coalesce(now() + $8 * interval '1 second', repeat_at) end
        ),
        due_at
    )
where dispatch = $1 and number = $2

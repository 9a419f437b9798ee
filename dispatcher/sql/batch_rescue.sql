-- Take a batch from a session that is no more. Only what is claimed has a session.
-- Who ends by it, and of what, is kept as a part that no attempt writes itself.
with taken as (
    update batch
    set outcomes = $5, repeated = $19, state = $6, session = null, tries = $7,
        repeat_at = coalesce(now() + $8 * interval '1 second', repeat_at),
        due_at = coalesce(
            least(
                now() + $9 * interval '1 second',
                case when $10 then coalesce(now() + $8 * interval '1 second', repeat_at) end
            ),
            due_at
        ),
        deaths = $11,
        suspect = case when $12::integer is not null then int4range($12::integer, $13::integer) end
    where dispatch = $1 and number = $2 and attempt = $3 and session = $4
    returning dispatch, number, attempt
), told as (
    insert into attempt (dispatch, batch, attempt, part, session, positions, outcomes, codes, refs, millis)
    select dispatch, number, attempt, -1, $4, $14, $15, $16, $17, $18
    from taken
    where cardinality($14::integer[]) > 0
    on conflict do nothing
)
select number from taken

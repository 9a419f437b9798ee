-- Outcomes of (part of) an attempt, and what is next for the batch; only for who still holds the claim:
-- only what is claimed has a session.
with held as (
    update batch b
    set outcomes = $6, repeated = $18, started = $7, state = $8, tries = $9,
        repeat_at = coalesce(now() + $10 * interval '1 second', b.repeat_at),
        due_at = coalesce(
            least(
                now() + $11 * interval '1 second',
                case when $12 then coalesce(now() + $10 * interval '1 second', b.repeat_at) end
            ),
            b.due_at
        ),
        session = case when $8 = 'claimed' then b.session end
    where dispatch = $1 and number = $2 and attempt = $3 and session = $4
    returning dispatch, number, attempt
), logged as (
    insert into attempt (dispatch, batch, attempt, part, session, positions, outcomes, codes, refs, millis)
    select dispatch, number, attempt, $5, $4, $13, $14, $15, $16, $17
    from held
    where cardinality($15::text[]) > 0
    on conflict do nothing
)
select dispatch, number from held

with gone as (
    update subscriber
    set left_at = coalesce(left_at, now()), changed = pg_current_xact_id()
    where id = $1
    returning number
),
silenced as (
    update contact
    set left_at = now()
    from gone
    where contact.subscriber = gone.number and contact.left_at is null
),
forgotten as (
    delete from position
    using gone
    where position.subscriber = gone.number
)
select number from gone

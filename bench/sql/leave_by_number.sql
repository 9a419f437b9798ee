with gone as (
    update subscriber
    set left_at = now(), changed = pg_current_xact_id()
    where number = any($1::bigint[])
    returning number
)
delete from position
using gone
where position.subscriber = gone.number

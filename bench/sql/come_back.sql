-- Whoever left in an earlier run.
with back as (
    update subscriber
    set left_at = null, changed = pg_current_xact_id()
    where left_at is not null
),
opened as (
    update contact
    set left_at = null
    where left_at is not null
)
delete from position

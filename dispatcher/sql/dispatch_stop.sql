-- Gives the state after: cancelled now, or however it had already ended; nothing when there is none.
with stopped as (
    update dispatch set state = 'cancelled', stopped_by = $2, ended_at = clock_timestamp()
    where id = $1 and state in ('approved', 'planning', 'sending')
    returning state
)
select state from stopped
union all
select state from dispatch where id = $1 and not exists (select from stopped)
limit 1

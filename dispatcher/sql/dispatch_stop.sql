-- Gives the state after: cancelled now, or however it had already ended; nothing when there is none. One that was sent
-- stays so, but nobody who comes into its area gets it any more.
with stopped as (
    update dispatch
    set state = case when state = 'drained' then state else 'cancelled' end,
        ended_at = case when state = 'drained' then ended_at else clock_timestamp() end,
        stopped_by = $2
    where id = $1
      and (state in ('approved', 'planning', 'sending')
           or (state = 'drained' and late_entry and stopped_by is null and valid_until > now()))
    returning state
)
select state from stopped
union all
select state from dispatch where id = $1 and not exists (select from stopped)
limit 1

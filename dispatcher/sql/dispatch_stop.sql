-- Gives the state after: cancelled now, or however it had already ended; nothing when there is none. One that was sent
-- stays so, but nobody who comes into its area gets it any more.
with stopped as (
    update dispatch d
    set state = case when was_sent(d) then 'drained' else 'cancelled' end,
        ended_at = case when was_sent(d) then d.ended_at else clock_timestamp() end,
        stopped_by = $2
    where d.id = $1
      and (d.state in ('approved', 'planning', 'sending', 'held')
           or (d.state = 'drained' and d.late_entry and d.stopped_by is null and d.valid_until > now()))
    returning state
)
select state from stopped
union all
select state from dispatch where id = $1 and not exists (select from stopped)
limit 1

-- As dispatch_stop, for all of them.
with stopped as (
    update dispatch d
    set state = case when was_sent(d) then 'drained' else 'cancelled' end,
        ended_at = case when was_sent(d) then d.ended_at else clock_timestamp() end,
        stopped_by = $1
    where d.state in ('approved', 'planning', 'sending', 'held')
       or (d.state = 'drained' and d.late_entry and d.stopped_by is null and d.valid_until > now())
    returning id, state
)
select id from stopped where state = 'cancelled'

-- As dispatch_stop, for all of them.
with stopped as (
    update dispatch
    set state = case when state = 'drained' then state else 'cancelled' end,
        ended_at = case when state = 'drained' then ended_at else clock_timestamp() end,
        stopped_by = $1
    where state in ('approved', 'planning', 'sending')
       or (state = 'drained' and late_entry and stopped_by is null and valid_until > now())
    returning id, state
)
select id from stopped where state = 'cancelled'

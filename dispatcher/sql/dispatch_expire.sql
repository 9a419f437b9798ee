-- Past its time nothing more is sent; what is still under way is recorded by whoever holds it.
update dispatch d
set state = case when was_sent(d) then 'drained' else 'expired' end,
    ended_at = case when was_sent(d) then d.ended_at else now() end
where d.state in ('approved', 'planning', 'sending', 'held') and d.valid_until <= now()
returning id

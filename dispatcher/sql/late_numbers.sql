-- Numbers for $2 batches of $3 people who came in, only while the order is in force. One that was sent is sending again.
update dispatch
set next_batch = next_batch + $2, audience = audience + $3, late_entries = late_entries + $3,
    state = 'sending', ended_at = null
where id = $1 and exists (select from order_in_force o where o.dispatch = $1)
returning next_batch - $2 as first, clock_timestamp() as at

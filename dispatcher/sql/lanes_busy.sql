-- Where something is due now or under way: what is under way keeps lower priorities waiting too.
-- Counted by dispatch first: then two small indexes are all that is read of the batches.
select busy.channel, busy.priority, busy.lane, bool_or(busy.due) as due
from (
    select dispatch, channel, priority, lane, true as due
    from batch
    where state = 'due' and due_at <= now()
    group by dispatch, channel, priority, lane
    union all
    select dispatch, channel, priority, lane, false
    from batch
    where state = 'claimed'
    group by dispatch, channel, priority, lane
) busy
join dispatch d on d.id = busy.dispatch
where d.state in ('planning', 'sending') and d.valid_until > now() and (not busy.due or not (busy.channel = any(d.stopped_channels)))
group by busy.channel, busy.priority, busy.lane
order by busy.priority

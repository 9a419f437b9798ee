-- Which channels of which dispatches must not be sent any further: of the pairs $1, $2.
select hand.dispatch, hand.channel
from unnest($1::text[], $2::text[]) as hand (dispatch, channel)
join dispatch d on d.id = hand.dispatch
where d.state not in ('planning', 'sending') or d.valid_until <= now() or hand.channel = any(d.stopped_channels)

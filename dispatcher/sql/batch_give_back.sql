-- What session $4 has claimed of a lane and not begun, for when it has nothing of the lane in hand: it never heard of the claim.
update batch
set state = 'due', session = null
where state = 'claimed' and channel = $1 and priority = $2 and lane = $3 and session = $4 and started = 0
returning number

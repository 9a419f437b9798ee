select channel, outcome, recipients from dispatch_summary where dispatch = $1 order by channel

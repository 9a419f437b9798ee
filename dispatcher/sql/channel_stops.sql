select channel, stopped_by, at from channel_stop where dispatch = $1 order by at, channel

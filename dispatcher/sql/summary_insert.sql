insert into dispatch_summary (dispatch, channel, outcome, recipients) values ($1, $2, $3, $4)

insert into message (dispatch, number, channel, language, subject, body) values ($1, 0, $2, 'ja', $3, $4)

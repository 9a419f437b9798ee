insert into message (dispatch, number, channel, language, shelter, distance, subject, body, audience)
values ($1, $2, $3, $4, nullif($5, ''), nullif($6, 0), $7, $8, nullif($9, ''))

insert into receipt (dispatch, batch, position, outcome, code, ref) values ($1, $2, $3, $4, $5, $6)

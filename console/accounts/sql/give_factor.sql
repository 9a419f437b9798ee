update sign_in
set token_hash = $2, factor_at = now(), seen_at = now(), tries = 0
where id = $1 and ended_at is null
returning officer

update sign_in set seen_at = now() where id = $1 and ended_at is null

update officer set password = null, totp = null, enrolled_at = null
where id = $1 and disabled_at is null
returning id

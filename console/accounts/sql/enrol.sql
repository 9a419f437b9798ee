update officer
set password = $2, totp = $3, totp_step = $4, enrolled_at = now(), enrol_hash = null, enrol_until = null
where enrol_hash = $1 and enrol_until > now() and disabled_at is null
returning id

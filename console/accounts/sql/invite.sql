update officer
set enrol_hash = $2, enrol_until = now() + make_interval(hours => $3)
where id = $1 and password is null and disabled_at is null
returning id

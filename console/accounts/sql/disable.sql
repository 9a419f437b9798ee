update officer set disabled_at = now(), enrol_hash = null, enrol_until = null
where id = $1 and disabled_at is null
returning id

update town_order
set state = $2, hash = null, approval = null, release_at = null, changed_at = clock_timestamp()
where id = $1

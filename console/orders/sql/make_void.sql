update town_order
set state = 'void', hash = null, approval = null, release_at = null, void_why = $2, changed_at = clock_timestamp()
where id = $1

update town_order set state = 'submitted', hash = $2, approval = null, changed_at = clock_timestamp() where id = $1

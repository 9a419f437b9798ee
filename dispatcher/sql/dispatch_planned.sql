update dispatch set state = 'sending', planned_at = clock_timestamp(), planner = null
where id = $1 and planner = $2 and state = 'planning'
returning id

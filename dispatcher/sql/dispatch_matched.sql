update dispatch set matched_at = coalesce(matched_at, clock_timestamp()), audience = $3
where id = $1 and planner = $2 and state = 'planning'

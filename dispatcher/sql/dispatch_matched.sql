-- So many people are known by now; the last time this is written, all of them.
update dispatch set matched_at = clock_timestamp(), audience = $3
where id = $1 and planner = $2 and state = 'planning'

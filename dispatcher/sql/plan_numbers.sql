-- Numbers for $3 batches, only for the planner that still holds the dispatch; waits for, and is waited for by, whoever stops it.
update dispatch set next_batch = next_batch + $3
where id = $1 and planner = $2 and state = 'planning'
returning next_batch - $3

-- Planning failed here; whoever comes next resumes it.
update dispatch set state = 'approved', planner = null
where id = $1 and planner = $2 and state = 'planning'

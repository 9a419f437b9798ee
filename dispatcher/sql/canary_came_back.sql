update canary set came_back_at = coalesce(came_back_at, now()) where dispatch = $1

update canary set answered_at = coalesce(answered_at, now()) where dispatch = $1 and answer = $2 returning dispatch

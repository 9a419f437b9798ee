update canary set missed_at = now() where dispatch = $1 and missed_at is null returning dispatch

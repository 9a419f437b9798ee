update canary set passed_over_at = now() where dispatch = $1

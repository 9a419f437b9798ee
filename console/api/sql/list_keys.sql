select name, role, sends_drills, created_at, revoked_at from api_key order by name

select id, name, role, sends_drills from api_key where key_hash = $1 and revoked_at is null

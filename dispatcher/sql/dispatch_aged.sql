update dispatch set aged_at = now() where id = $1

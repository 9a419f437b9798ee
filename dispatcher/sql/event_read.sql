select document, area, created_at from event where number = $1

select created_at from dispatch where id = $1

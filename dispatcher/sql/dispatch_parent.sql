select id, mode, class, relation, aged_at from dispatch where id = $1

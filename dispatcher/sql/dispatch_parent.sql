select id, mode, class, relation from dispatch where id = $1

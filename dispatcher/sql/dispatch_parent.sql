select id, mode, class, relation, aged_at, state = 'held' and planned_at is null as held from dispatch where id = $1

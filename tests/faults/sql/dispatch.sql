select id, class as event_class, mode, state, approved_at, ended_at, stopped_by, valid_until from dispatch where id = $1

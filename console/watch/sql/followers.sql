select id, relation, requested_by, approved_by, approved_at from dispatch where parent = $1 order by approved_at

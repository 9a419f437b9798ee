insert into dispatch (id, event, class, mode, state, priority, parent, relation, requested_by, approved_by,
                      digest, valid_until, late_entry, counted, request, approved_at)
values ($1, $2, $3, $4, 'approved', $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, clock_timestamp())

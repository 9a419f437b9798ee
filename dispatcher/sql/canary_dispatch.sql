insert into dispatch (id, event, class, mode, state, priority, requested_by, approved_by, digest, valid_until,
                      matched_at, planned_at, audience, next_batch)
values ($1, $2, 'code', 'drill', 'sending', $3, 'canary', 'canary', $4, now() + $5 * interval '1 second',
        now(), now(), 1, 1)

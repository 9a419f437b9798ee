insert into batch (dispatch, number, key, channel, lane, priority, messages, members, places, outcomes, state)
values ($1, 0, gen_random_uuid(), $2, $3, $4, '{0}', array[$5::bigint], '{0}', '\x00', 'due')

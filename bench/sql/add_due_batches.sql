insert into batch (dispatch, number, key, channel, lane, priority, messages, members, places, outcomes, state)
select $1, number, gen_random_uuid(), 'line', '', 0, '{0}', array[number], '{0}', '\x00', 'due'
from generate_series(0, $2::integer - 1) as due (number)

insert into batch (dispatch, number, key, channel, lane, priority, messages, members, places, outcomes, state, attempt)
select $1, number, gen_random_uuid(), 'line', '', 0, '{0}', array[number], '{0}', '\x28', 'done', 1
from generate_series(0, $2::integer - 1) as old (number)

-- What should have left $1 seconds ago and has not; and what, in the last hour, could not.
select id, state, void_why
from town_order
where (state = 'counting' and release_at < clock_timestamp() - $1 * interval '1 second')
   or (state = 'void' and mode = 'live' and void_why <> 'discarded' and changed_at > clock_timestamp() - interval '1 hour')
order by id

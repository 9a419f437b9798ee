-- Counts one more, but no further than the first beyond what is allowed. A minute begins with the first request in it, or
-- when the clock was put back. Gives the seconds left of it.
with now as (select clock_timestamp() as at),
going_on as (
    select now.at, case when now.at - counted_from between interval '0' and interval '1 minute' then counted_from end as began
    from api_key, now
    where id = $1
)
update api_key
set counted_from = coalesce(going_on.began, going_on.at),
    calls = case when going_on.began is null then 0 else least(calls, $2) end + 1
from going_on
where id = $1
returning calls, ceil(extract(epoch from counted_from + interval '1 minute' - going_on.at))::integer as seconds

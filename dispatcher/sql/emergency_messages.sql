-- The messages of dispatch $1 from number $2 on.
select number, channel, language, coalesce(shelter, '') as shelter, coalesce(distance, 0) as distance,
       coalesce(audience, '') as audience, subject, body
from message
where dispatch = $1 and number >= $2
order by number

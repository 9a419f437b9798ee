select
    number, channel, language, coalesce(shelter, '') as shelter, coalesce(distance, 0) as distance,
    coalesce(audience, '') as audience
from message
where dispatch = $1
order by number

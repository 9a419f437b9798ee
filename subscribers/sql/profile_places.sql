select number, name, lon, lat
from place
where subscriber = $1 and (expires_at is null or expires_at > now())
union all
select -subscriber, '現在地', lon, lat
from position
where subscriber = $1 and expires_at > now()
order by number

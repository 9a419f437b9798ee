select spot.subscriber, min(spot.number) as place
from (
    select number, subscriber, lon, lat
    from place
    where expires_at is null or expires_at > now()
    union all
    select -subscriber, subscriber, lon, lat
    from position
    where expires_at > now()
) as spot
join subscriber on subscriber.number = spot.subscriber and subscriber.left_at is null
where spot.lon between $1 and $3 and spot.lat between $2 and $4
group by spot.subscriber
order by spot.subscriber

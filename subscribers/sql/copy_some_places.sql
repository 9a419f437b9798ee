select number, subscriber, lon, lat, coalesce(expires_at, 'infinity')
from place
where subscriber = any($1::bigint[]) and (expires_at is null or expires_at > now())

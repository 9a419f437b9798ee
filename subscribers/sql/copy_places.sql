select number, subscriber, lon, lat, coalesce(expires_at, 'infinity')
from place
where expires_at is null or expires_at > now()

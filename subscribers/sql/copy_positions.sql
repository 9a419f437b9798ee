select subscriber, lon, lat, expires_at
from position
where expires_at > now()

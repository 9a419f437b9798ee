select subscriber, lon, lat, expires_at
from position
where subscriber = any($1::bigint[])

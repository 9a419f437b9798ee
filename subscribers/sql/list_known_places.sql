select subscriber, name, lon, lat, expires_at is not null as temporary
from place
where subscriber = any($1)

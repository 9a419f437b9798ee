-- Everybody has moved some time ago.
insert into position (subscriber, lon, lat, expires_at)
select number, 133.2 + random(), 34.1 + random(), now() + interval '1 day'
from subscriber
where left_at is null

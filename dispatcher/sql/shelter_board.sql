select id, name, address, hazards, stay, lon, lat, capacity, status
from shelter
where status = any ($1::text[])
order by id

select id, name, address, hazards, stay, lon, lat, capacity, status
from shelter
order by id

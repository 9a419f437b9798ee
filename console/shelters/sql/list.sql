select shelter.id, shelter.name, address, hazards, stay, capacity, status, status_at, officer.name as status_by
from shelter
left join officer on officer.id = status_by
order by shelter.id

select shelter.name, status, status_at, officer.name as status_by
from shelter
left join officer on officer.id = status_by
where shelter.id = $1
for update of shelter

select roles, disabled_at is not null as disabled
from officer
where id = $1
for share

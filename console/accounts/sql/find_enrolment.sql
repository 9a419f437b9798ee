select id as officer, login, name
from officer
where enrol_hash = $1 and enrol_until > now() and disabled_at is null

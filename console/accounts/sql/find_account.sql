select id, name, password, language
from officer
where login = $1 and disabled_at is null and password is not null

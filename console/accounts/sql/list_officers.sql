select id, login, name, roles, enrolled_at, disabled_at, password is not null as enrolled
from officer
order by disabled_at is not null, name, id

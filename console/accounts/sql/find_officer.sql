select id, login, name, roles, enrolled_at, disabled_at, password is not null as enrolled
from officer
where id = $1
for update

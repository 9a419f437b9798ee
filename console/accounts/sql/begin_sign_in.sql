insert into sign_in (officer, token_hash)
select id, $2
from officer
where id = $1 and disabled_at is null and password = $3
returning id

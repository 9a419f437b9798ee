select id, officer, kind, roles, proposed_by
from elevation
where id = $1 and decided_at is null and proposed_at > now() - interval '7 days'
for update

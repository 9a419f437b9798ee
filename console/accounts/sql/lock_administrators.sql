-- In one order for everybody: two who leave at once must not both find the other still there.
select id
from officer
where 'administrator' = any(roles) and disabled_at is null
order by id
for update

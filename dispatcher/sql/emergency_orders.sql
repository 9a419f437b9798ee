-- Who ordered dispatch $1 to be sent without the database.
select host, ordered_by, ordered_at, stopped_by, stopped_at, merged_at
from emergency_order
where dispatch = $1
order by ordered_at

select subscriber, (array_position($1::text[], kind) - 1)::smallint, lane
from contact
where left_at is null

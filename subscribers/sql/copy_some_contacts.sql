select subscriber, (array_position($2::text[], kind) - 1)::smallint, lane
from contact
where subscriber = any($1::bigint[]) and left_at is null

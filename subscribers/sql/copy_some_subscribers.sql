select number, topics, (array_position($2::text[], language) - 1)::smallint, left_at is not null
from subscriber
where number = any($1::bigint[])

select number, topics, (array_position($1::text[], language) - 1)::smallint, left_at is not null
from subscriber
where left_at is null

select subscriber, lane, address
from contact
where subscriber = any($1::bigint[]) and kind = $2 and left_at is null

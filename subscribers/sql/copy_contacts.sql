select subscriber, lane, address
from contact
where kind = $1 and left_at is null

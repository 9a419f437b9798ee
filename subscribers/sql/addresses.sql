select subscriber, address
from contact
where subscriber = any($1) and kind = $2 and ($3 or left_at is null)

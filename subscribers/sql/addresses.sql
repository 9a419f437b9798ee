-- Also of contacts that left since: the exact repeat of a call needs them.
select subscriber, address
from contact
where subscriber = any($1::bigint[]) and kind = $2

select kind
from contact
where subscriber = $1 and left_at is null
order by kind

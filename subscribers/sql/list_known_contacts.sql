select subscriber, kind, lookup
from contact
where subscriber = any($1)

select number, id, language, topics, left_at is not null as has_left
from subscriber
where id = any($1)

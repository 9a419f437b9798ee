update subscriber
set language = new.language, topics = new.topics, changed = pg_current_xact_id()
from unnest($1::bigint[], $2::text[], $3::bigint[]) as new (number, language, topics)
where subscriber.number = new.number

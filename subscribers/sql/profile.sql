select
    number, language, left_at,
    array(select name from topic where subscriber.topics >> topic.number & 1 = 1 order by name) as topics
from subscriber
where id = $1

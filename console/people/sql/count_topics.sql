select topic.name, count(*) as people
from topic
join subscriber on subscriber.topics >> topic.number & 1 = 1
where subscriber.left_at is null
group by topic.name
order by people desc, topic.name

select subscriber.id
from contact
join subscriber on subscriber.number = contact.subscriber
where contact.lookup = $1 and contact.kind = $2 and contact.left_at is null
order by subscriber.number
limit 1

select contact.lookup, subscriber.id
from contact
join subscriber on subscriber.number = contact.subscriber
where contact.lookup = any($1) and contact.kind = 'line' and contact.left_at is null

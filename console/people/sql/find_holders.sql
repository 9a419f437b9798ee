select
    subscriber.id,
    subscriber.language,
    subscriber.left_at,
    contact.left_at as closed_at,
    array(select name from topic where subscriber.topics >> topic.number & 1 = 1 order by name) as topics,
    array(
        select kind from contact as open
        where open.subscriber = subscriber.number and open.left_at is null order by kind
    ) as kinds,
    (
        select count(*) from place
        where place.subscriber = subscriber.number and (place.expires_at is null or place.expires_at > now())
    ) as places
from contact
join subscriber on subscriber.number = contact.subscriber
where contact.lookup = $1 and contact.kind = $2
order by contact.left_at is not null, subscriber.number
limit $3

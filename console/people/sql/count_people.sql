select
    count(*) filter (where left_at is null) as here,
    count(*) filter (where left_at is not null) as gone,
    count(*) filter (where left_at is null and not exists (
        select from contact where contact.subscriber = subscriber.number and contact.left_at is null
    )) as unreachable
from subscriber

with silenced as (
    update contact
    set left_at = now()
    where subscriber = $1 and kind = $2 and left_at is null
    returning subscriber
)
update subscriber
set changed = pg_current_xact_id()
from silenced
where subscriber.number = silenced.subscriber
returning subscriber.number

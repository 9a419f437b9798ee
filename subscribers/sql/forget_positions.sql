-- Ended, not deleted: followers see what changed, not what is no more.
update position
set expires_at = now(), changed = pg_current_xact_id()
from (select subscriber from position where subscriber = any($1::bigint[]) order by subscriber for update) as chosen
where position.subscriber = chosen.subscriber

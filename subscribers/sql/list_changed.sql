select number
from subscriber
where changed >= pg_snapshot_xmin($1::text::pg_snapshot)
and not pg_visible_in_snapshot(changed, $1::text::pg_snapshot)

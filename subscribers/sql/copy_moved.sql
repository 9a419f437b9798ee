select subscriber, lon, lat, expires_at
from position
where changed >= pg_snapshot_xmin($1::text::pg_snapshot)
and not pg_visible_in_snapshot(changed, $1::text::pg_snapshot)

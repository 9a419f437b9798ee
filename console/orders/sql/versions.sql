select number as version, document, officer as version_officer, key as version_key, at as version_at
from town_order_version
where order_id = $1
order by number desc

select number, lon, lat
from place
where number = any($1::bigint[])
order by number

select count(*)
from unnest($1::float8[], $2::float8[]) as place (lon, lat)
join fence on st_intersects(fence.geom, st_setsrid(st_makepoint(lon, lat), 4326))

select count(*)
from (
    select distinct place.number, piece.number
    from unnest($1::float8[], $2::float8[]) with ordinality as place (lon, lat, number)
    join piece on st_intersects(piece.geom, st_setsrid(st_makepoint(lon, lat), 4326))
) as held (place, fence)

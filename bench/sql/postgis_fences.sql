create table fence as
select number, st_setsrid(st_geomfromwkb(wkb), 4326) as geom
from unnest($1::int[], $2::bytea[]) as given (number, wkb)

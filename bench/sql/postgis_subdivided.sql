with part as materialized (select st_subdivide(st_setsrid(st_geomfromwkb($1), 4326), 128) as geom)
select count(distinct place.number) from part join place on st_intersects(part.geom, place.geom)

with part as materialized (select (st_dump(st_setsrid(st_geomfromwkb($1), 4326))).geom as geom)
select count(distinct place.number) from part join place on st_intersects(part.geom, place.geom)

create unlogged table place as select number, st_setsrid(st_point(lon, lat), 4326) as geom from spot;
drop table spot;
create index place_geom on place using gist (geom);
cluster place using place_geom;
vacuum analyze place

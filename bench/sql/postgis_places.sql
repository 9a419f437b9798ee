create unlogged table place as select number, st_setsrid(st_point(lon, lat), 4326) as geom from spot

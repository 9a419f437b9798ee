create table piece as
select number, st_subdivide(geom, 64) as geom
from fence

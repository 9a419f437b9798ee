-- Every boundary, unless a whole country was imported: then drawing one page is not worth reading it.
select code, name, geometry
from boundary
where (select sum(points) from boundary) <= 1000000
order by code

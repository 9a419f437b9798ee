select name, geometry
from boundary
where code = $1

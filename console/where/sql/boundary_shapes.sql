select code, geometry from boundary order by code

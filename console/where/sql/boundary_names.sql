select code, name, digest from boundary order by code

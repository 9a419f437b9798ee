insert into shelter (id, name, address, hazards, lon, lat, status)
values ($1, $2, '', $3, $4, $5, 'open')

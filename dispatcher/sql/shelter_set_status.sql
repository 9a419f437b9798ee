with changed as (
    update shelter
    set status = $2
    where id = any ($1::text[])
    returning id, name, address, hazards, stay, lon, lat, capacity, status
)
select * from changed order by id

-- $3: the officer who says so, if any.
with changed as (
    update shelter
    set status = $2, status_at = clock_timestamp(), status_by = $3
    where id = any ($1::text[])
    returning id, name, address, hazards, stay, lon, lat, capacity, status
)
select * from changed order by id

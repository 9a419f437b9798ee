-- $1 null: every shelter.
with changed as (
    update shelter
    set status = $2
    where $1::smallint is null or hazards & $1::smallint <> 0
    returning id, name, address, hazards, stay, lon, lat, capacity, status
)
select * from changed order by id

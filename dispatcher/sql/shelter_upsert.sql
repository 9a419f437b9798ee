-- $9: a file of sites knows their hazards; a file of shelters to stay in does not and leaves them as they are.
-- No official file knows the status, and few the capacity.
insert into shelter as known (id, name, address, hazards, stay, lon, lat, capacity)
select *
from unnest(
    $1::text[], $2::text[], $3::text[], $4::smallint[], $5::boolean[],
    $6::double precision[], $7::double precision[], $8::integer[]
)
on conflict (id) do update
    set name = excluded.name,
        address = excluded.address,
        hazards = case when $9 then excluded.hazards else known.hazards end,
        stay = excluded.stay,
        lon = excluded.lon,
        lat = excluded.lat,
        capacity = coalesce(excluded.capacity, known.capacity)
    where (known.name, known.address, known.stay, known.lon, known.lat)
              is distinct from (excluded.name, excluded.address, excluded.stay, excluded.lon, excluded.lat)
       or ($9 and known.hazards <> excluded.hazards)
       or known.capacity is distinct from coalesce(excluded.capacity, known.capacity)
returning xmax = 0 as new

insert into boundary (code, name, geometry, digest, points)
values ($1, $2, $3, $4, $5)
on conflict (code) do update
    set name = excluded.name, geometry = excluded.geometry, digest = excluded.digest, points = excluded.points
    where (boundary.name, boundary.digest) is distinct from (excluded.name, excluded.digest)

insert into place (subscriber, name, lon, lat)
select * from unnest($1::bigint[], $2::text[], $3::double precision[], $4::double precision[])
on conflict (subscriber, name) do update
set lon = excluded.lon, lat = excluded.lat, expires_at = null

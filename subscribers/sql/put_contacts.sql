insert into contact (subscriber, kind, address, lookup, lane)
select * from unnest($1::bigint[], $2::text[], $3::bytea[], $4::bytea[], $5::smallint[])
on conflict (subscriber, kind) do update
set address = excluded.address, lookup = excluded.lookup, lane = excluded.lane, left_at = null

-- In the order of their numbers, so that two who move the same people wait for each other in one order.
with moved as (
    insert into position (subscriber, lon, lat, expires_at)
    select new.subscriber, new.lon, new.lat, new.expires_at
    from unnest($1::bigint[], $2::double precision[], $3::double precision[], $4::timestamptz[])
        as new (subscriber, lon, lat, expires_at)
    join subscriber on subscriber.number = new.subscriber and subscriber.left_at is null
    order by new.subscriber
    on conflict (subscriber) do update
    set lon = excluded.lon, lat = excluded.lat, expires_at = excluded.expires_at, changed = pg_current_xact_id()
    returning subscriber
)
select count(*) from moved

-- Ordered so that the indexes are read from their ends even before the tables were ever analyzed.
select pg_current_snapshot()::text as snapshot,
       (extract(epoch from clock_timestamp() - timestamptz '2000-01-01 00:00:00+00') * 1000000)::bigint as clock, (
    select number
    from subscriber
    where changed >= pg_snapshot_xmin($1::text::pg_snapshot)
    and not pg_visible_in_snapshot(changed, $1::text::pg_snapshot)
    order by changed desc
    limit 1
) is not null or (
    select subscriber
    from position
    where changed >= pg_snapshot_xmin($1::text::pg_snapshot)
    and not pg_visible_in_snapshot(changed, $1::text::pg_snapshot)
    order by changed desc
    limit 1
) is not null as found

-- Ordered so that the index is read from its end even before the table was ever analyzed.
select pg_current_snapshot()::text as snapshot, (
    select number
    from subscriber
    where changed >= pg_snapshot_xmin($1::text::pg_snapshot)
    and not pg_visible_in_snapshot(changed, $1::text::pg_snapshot)
    order by changed desc
    limit 1
) is not null as found

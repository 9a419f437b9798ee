-- Where subscribers are now, as their phones say: at most one row a subscriber, written anew with every move.
--
-- Apart from `place`, so that a move writes one small row and leaves the subscriber's own untouched. `changed` as in
-- `subscriber`. In memory and in batches the position of subscriber n is place -n: lower than every stored place, so
-- that whoever is hit by several is told the way from where they are.
--
-- Ten thousand moves a second are as many dead rows: they are taken away when they are a tenth of the living, at full
-- speed, and half of each page is left free for the next row versions.
create table position (
    subscriber bigint primary key references subscriber on delete cascade,
    lon        double precision not null check (lon between -180 and 180),
    lat        double precision not null check (lat between -90 and 90),
    expires_at timestamptz not null,
    changed    xid8 not null default pg_current_xact_id()
) with (
    fillfactor = 50,
    autovacuum_vacuum_threshold = 10000,
    autovacuum_vacuum_scale_factor = 0.1,
    autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_threshold = 10000,
    autovacuum_analyze_scale_factor = 0.5
);
create index position_changed on position (changed);

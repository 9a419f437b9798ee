-- Held: a dispatch of which nothing leaves until an officer says so (dispatcher/holding.py); and what shows that this
-- database is the one it was, and not a backup of it (dispatcher/epoch.py).

alter table dispatch
    drop constraint dispatch_state_check,
    add constraint dispatch_state_check
        check (state in ('approved', 'planning', 'sending', 'held', 'drained', 'cancelled', 'expired')),
    add column counted integer,                  -- people its area and topics concerned as it was approved; null: nobody counted
    add column request text,                     -- named by whoever asked for it, so that asking twice sends once
    add column numbers_from integer not null default 0;  -- below this no number is handed out (any more): batches of a backup

drop index dispatch_open;
create index dispatch_open on dispatch (state) where state in ('approved', 'planning', 'sending', 'held');
create unique index dispatch_request on dispatch (request);

-- Each time a dispatch was held. It is held now while its state says so; then the last row of it says why.
create table hold (
    dispatch    text collate "C" not null references dispatch on delete cascade,
    number      integer not null,                -- 1, 2, …
    reason      text not null check (reason in ('restored', 'drift', 'altered')),
    was         text not null check (was in ('approved', 'sending', 'drained')),  -- where it goes on when released
    counted     integer,                         -- drift: people at the approval, and as it was planned
    found       integer,
    at          timestamptz not null default clock_timestamp(),
    released_by text,
    released_at timestamptz,
    primary key (dispatch, number)
);

-- One row. `counter` rises while anybody is at work; `number` when the database was found to be restored from a backup.
-- `lineage` names this database and whatever was copied from it.
create table epoch (
    one      boolean primary key default true check (one),
    lineage  uuid not null default gen_random_uuid(),
    number   bigint not null default 0,
    counter  bigint not null default 0,
    system   bigint,                             -- the server it stood in when somebody was last at work; null: nobody ever was
    timeline integer,
    files    timestamptz,
    began_at timestamptz                         -- when `number` last rose
);
insert into epoch default values;

-- Which server this is. A dump is restored into another system; a base backup, and a standby that takes over, begin
-- another timeline; files that were copied are younger than those they were copied from. Only a role that may read
-- the server's files knows of the last.
create function server_identity(out system bigint, out timeline integer, out files timestamptz) language plpgsql as $$
begin
    select c.system_identifier into system from pg_control_system() c;
    timeline := ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer;
    begin
        select f.change into files from pg_stat_file('PG_VERSION') f;
    exception when insufficient_privilege then
        files := null;
    end;
end $$;

-- Whether nothing was left to send of a dispatch, be it held since: then it was sent, however its late entry ends.
create function was_sent(d dispatch) returns boolean language sql stable as $$
    select d.state = 'drained' or (
        d.state = 'held'
        and (select h.was from hold h where h.dispatch = d.id order by h.number desc limit 1) = 'drained'
    )
$$;

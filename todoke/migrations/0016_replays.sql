-- An order to send a dispatch again to those whom it certainly did not reach: only ever added to.
create table replay (
    dispatch     text collate "C" not null references dispatch on delete cascade,
    number       integer not null,
    at           timestamptz not null default clock_timestamp(),
    requested_by text not null check (requested_by <> ''),
    approved_by  text not null check (approved_by <> ''),
    people       integer not null check (people > 0),
    why          jsonb not null,                 -- messages by channel and the reason that was mended: {"line": {"401": 12}}
    primary key (dispatch, number)
);

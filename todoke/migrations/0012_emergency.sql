-- What was sent while there was no database (dispatcher/emergency): merged from journals once it is back.

-- Who ordered it, where, when, and who ended it. One row an order of one server, however often its journal is merged.
create table emergency_order (
    number     bigint generated always as identity primary key,
    dispatch   text collate "C" not null references dispatch on delete cascade,
    station    text not null,                    -- the data directory whose server sent
    host       text not null,
    ordered_by text not null check (ordered_by <> ''),
    ordered_at timestamptz not null,             -- by that host's clock
    stopped_by text,
    stopped_at timestamptz,
    merged_at  timestamptz not null default now(),
    unique (dispatch, station, ordered_at)
);

alter table attempt
    add column emergency bigint;                 -- the order it was made under; null: with the database

-- Written whenever somebody asks whether the database is ready: one that only answers is of no use.
create table readiness (
    one      boolean primary key default true check (one),
    asked_at timestamptz not null default now()
);

-- Data directories whose servers may send without the database. After an outage the others wait a moment for one that
-- has not come back yet, or has yet to merge what it sent.
create table station (
    id       text primary key,
    host     text not null,
    beat     bigint not null default 0,
    unmerged boolean not null default false,
    at       timestamptz not null default now()
);

-- Who and where: subscribers, their places and contacts, boundaries and shelters.
--
-- `subscriber.changed` is the transaction that last touched the subscriber or anything of theirs.
-- Followers read what their last snapshot could not see (pg_visible_in_snapshot), never
-- "changed > last": transactions commit out of order, and such a reader skips rows.

create table topic (
    number smallint primary key check (number between 0 and 62),
    name   text not null unique check (name <> '')
);

create table lane (
    number smallint generated always as identity primary key,
    name   text not null unique
);

create table subscriber (
    number   bigint generated always as identity primary key,
    id       text not null unique check (id <> ''),
    language text not null,
    topics   bigint not null default 0,          -- bit n: topic number n
    left_at  timestamptz,
    changed  xid8 not null default pg_current_xact_id()
);
create index subscriber_changed on subscriber (changed);

create table place (
    number     bigint generated always as identity primary key,
    subscriber bigint not null references subscriber on delete cascade,
    name       text not null,
    lon        double precision not null check (lon between -180 and 180),
    lat        double precision not null check (lat between -90 and 90),
    expires_at timestamptz,
    unique (subscriber, name)
);

-- `address` is AES-256-GCM bound to its row; `lookup` is a keyed hash, equal for equal addresses.
create table contact (
    subscriber bigint not null references subscriber on delete cascade,
    kind       text not null check (kind <> ''),
    address    bytea not null,
    lookup     bytea not null,
    lane       smallint not null references lane,
    left_at    timestamptz,
    primary key (subscriber, kind)
);
create index contact_lookup on contact (lookup);
create unique index contact_one_line_id on contact (lookup) where kind = 'line' and left_at is null;

create table boundary (
    code     text primary key check (code ~ '^[0-9]{5,6}$'),
    name     text not null,
    geometry bytea not null,                     -- WKB, WGS84, lon/lat
    digest   text not null,
    points   integer not null
);

create table shelter (
    id       text primary key check (id <> ''),
    name     text not null,
    address  text not null,
    hazards  smallint not null default 0,        -- bit n: the n-th hazard of the shelter law's list
    stay     boolean not null default false,     -- also a 指定避難所, a shelter to stay in
    lon      double precision not null,
    lat      double precision not null,
    capacity integer check (capacity >= 0),
    status   text not null default 'unopened'
             check (status in ('unopened', 'open', 'crowded', 'full', 'closed'))
);

-- What was sent is kept by year: when a year has been kept long enough its tables are dropped, which
-- takes no longer for ten million batches than for ten (dispatcher/ageing.py).
--
-- A year begins in April, as municipalities count how long a record is kept. A dispatch's name begins
-- with its day (261123-k7m2qx), and by that name everything of it stands in one year's tables. Names of
-- before had no year (1123-k7m2qx); they sort before all others and stand in tables of their own.
--
-- There are as few years as can be, and not months: every claim looks into each of them.

alter table receipt drop constraint receipt_dispatch_batch_fkey;
alter table attempt drop constraint attempt_dispatch_batch_fkey;
alter table dispatch
    alter column id type text collate "C",       -- by bytes: a locale would pass over the hyphen
    alter column parent type text collate "C",
    add column aged_at timestamptz;              -- its batches are gone; dispatch_summary has what became of them

-- How many recipients of a dispatch whose batches are gone ended with which outcome.
create table dispatch_summary (
    dispatch   text collate "C" not null references dispatch on delete cascade,
    channel    text not null,
    outcome    smallint not null,
    recipients bigint not null,
    primary key (dispatch, channel, outcome)
);

-- The tables of before become the part with the names of before. Their rows are written anew once, for `size`.
alter table message rename to message_before;
alter table message_before rename constraint message_pkey to message_before_pkey;
alter table message_before alter column dispatch type text collate "C";

alter table batch rename to batch_before;
alter table batch_before rename constraint batch_pkey to batch_before_pkey;
alter index batch_due rename to batch_before_due;
alter index batch_claimed rename to batch_before_claimed;
drop index batch_open;                           -- made anew below, in other words
alter table batch_before
    drop constraint batch_key_key,               -- random already, and what is unique in a partition must hold its name
    drop constraint batch_check,
    drop constraint batch_check1,
    drop constraint batch_check2,
    drop constraint batch_check3,
    drop constraint batch_check4,
    drop constraint batch_state_check,
    alter column dispatch type text collate "C",
    add column size integer not null generated always as (
        case when cardinality(places) = cardinality(members)
              and cardinality(messages) in (1, cardinality(members)) then cardinality(members) end
    ) stored,
    add constraint batch_outcomes check (length(outcomes) = size),
    add constraint batch_proofs check (length(proofs) = size),
    add constraint batch_state check (state in ('due', 'claimed', 'done')),
    add constraint batch_session check ((state = 'claimed') = (session is not null));

alter table attempt rename to attempt_before;
alter table attempt_before rename constraint attempt_pkey to attempt_before_pkey;
alter table attempt_before alter column dispatch type text collate "C";

alter table receipt rename to receipt_before;
alter index receipt_batch rename to receipt_before_batch;
alter table receipt_before alter column dispatch type text collate "C";

create table message (
    dispatch text collate "C" not null references dispatch on delete cascade,
    number   integer not null,
    channel  text not null,
    language text not null,
    shelter  text,                               -- the variant: the shelter named
    distance integer,                            -- and how far it is said to be, in metres
    subject  text not null,
    body     text not null,
    primary key (dispatch, number)
) partition by range (dispatch);

create table batch (
    dispatch    text collate "C" not null references dispatch on delete cascade,
    number      integer not null,
    parent      integer,                         -- the batch this one was split from, when a provider refused it whole
    key         uuid not null,                   -- the provider's idempotency key: random, never derived from a number a restored backup could repeat
    channel     text not null,
    lane        text not null,
    priority    smallint not null,
    messages    integer[] not null,              -- one for all members, or one a member
    members     bigint[] not null,
    places      bigint[] not null,               -- why: the place of each member that was hit; 0 where none was asked
    outcomes    bytea not null,                  -- written only by the attempt that holds the batch
    proofs      bytea,                           -- written only by receipts and late outcomes; what is true is the higher proof of both
    state       text not null,
    due_at      timestamptz not null default now(),
    session     bigint,
    claimed_at  timestamptz,
    attempt     integer not null default 0,      -- also the fencing token: an outcome of an older attempt is merged, never written over
    started     integer not null default 0,      -- members before this position may have been called in this attempt
    tries       integer not null default 0,      -- attempts that ended in retry, for the backoff
    first_attempt_at timestamptz,
    repeat_at   timestamptz,                     -- not before this are ambiguous members called again
    -- How many members; null, and so refused, where the arrays do not fit one another. Checks that read the arrays
    -- themselves would fetch them again at each of a batch's three updates, a sixth of what these cost.
    size        integer not null generated always as (
        case when cardinality(places) = cardinality(members)
              and cardinality(messages) in (1, cardinality(members)) then cardinality(members) end
    ) stored,
    primary key (dispatch, number),
    constraint batch_outcomes check (length(outcomes) = size),
    constraint batch_proofs check (length(proofs) = size),
    constraint batch_state check (state in ('due', 'claimed', 'done')),
    constraint batch_session check ((state = 'claimed') = (session is not null))
) partition by range (dispatch);
alter table batch alter column members set storage external;
alter table batch alter column places set storage external;
alter table batch alter column messages set storage external;
create index batch_due on batch (channel, priority, lane, due_at) where state = 'due';
create index batch_claimed on batch (channel, priority) where state = 'claimed';
-- `|| ''` keeps PostgreSQL from reading this index along with the two above whenever it meets a state.
create index batch_open on batch (dispatch) where state || '' in ('due', 'claimed');

-- What happened in one attempt of a batch. For single-call channels the arrays name each call.
-- It refers to no batch: a table that is referred to cannot be dropped, and what is written here is written by
-- the statement that has the batch's row in hand.
create table attempt (
    dispatch   text collate "C" not null,
    batch      integer not null,
    attempt    integer not null,
    part       integer not null,                 -- 0, 1, … : one row each time outcomes were recorded
    session    bigint not null,
    at         timestamptz not null default now(),
    positions  integer[] not null,               -- the member of each call, or the members of the only one; empty: the whole batch
    outcomes   bytea not null,
    codes      text[] not null,                  -- one a call
    refs       text[] not null,                  -- the provider's ids, likewise
    millis     integer[] not null,               -- how long the call took, likewise
    primary key (dispatch, batch, attempt, part)
) partition by range (dispatch);

-- Receipts and late outcomes name (dispatch, batch, position); several may come for one member.
create table receipt (
    dispatch text collate "C" not null,
    batch    integer not null,
    position integer not null,
    outcome  smallint not null,
    code     text not null,
    ref      text not null,
    at       timestamptz not null default now()
) partition by range (dispatch);
create index receipt_batch on receipt (dispatch, batch);

alter table message attach partition message_before for values from (minvalue) to ('2604');
alter table batch attach partition batch_before for values from (minvalue) to ('2604');
alter table attempt attach partition attempt_before for values from (minvalue) to ('2604');
alter table receipt attach partition receipt_before for values from (minvalue) to ('2604');

-- An order is sent even if nobody made its year. What stands here is told as trouble.
create table message_default partition of message default;
create table batch_default partition of batch default;
create table attempt_default partition of attempt default;
create table receipt_default partition of receipt default;

-- What PostgreSQL may believe of a year's tables. Without statistics of a lane's columns it takes what is due in
-- one for a few rows, always: so a claim is an index scan whether statistics were last taken before a million people
-- were planned, while they waited, or ten million batches ago. Of arrays it would count the elements: a hundred
-- times the work of all the rest.
create function tune_year(year text) returns void language plpgsql as $$
declare
    name text;
begin
    execute format('alter table %I set (fillfactor = 80)', 'batch_' || year);
    foreach name in array array[
        'channel', 'priority', 'lane', 'due_at', 'messages', 'members', 'places', 'outcomes', 'proofs'
    ] loop
        execute format('alter table %I alter column %I set statistics 0', 'batch_' || year, name);
    end loop;
    foreach name in array array['positions', 'outcomes', 'codes', 'refs', 'millis'] loop
        execute format('alter table %I alter column %I set statistics 0', 'attempt_' || year, name);
    end loop;
end $$;

-- The tables of the year that begins in April of `year`.
create function add_year(year integer) returns void language plpgsql as $$
declare
    name text;
begin
    foreach name in array array['message', 'batch', 'attempt', 'receipt'] loop
        execute format(
            'create table %I partition of %I for values from (%L) to (%L)', name || '_' || year, name,
            to_char(make_date(year, 4, 1), 'YYMM'), to_char(make_date(year + 1, 4, 1), 'YYMM')
        );
    end loop;
    perform tune_year(year::text);
end $$;

-- Raises lock_not_available, at once, while anybody reads or writes these tables: sending never waits for this.
create function drop_year(year text) returns void language plpgsql as $$
declare
    name text;
begin
    lock table dispatch, message, batch, attempt, receipt in access exclusive mode nowait;
    foreach name in array array['message', 'batch', 'attempt', 'receipt'] loop
        execute format('drop table %I', name || '_' || year);
    end loop;
end $$;

select tune_year('before'), tune_year('default'), add_year(2026);

-- What is sent: events, dispatches, their messages, and batches as rows of arrays.
--
-- A batch is one call with the same message for all its members (LINE), or a run of single calls
-- (SMS, email), where each member may have a text of their own. Its members never change after
-- planning; `outcomes` holds one byte a member (dispatcher/model.py, Outcome).

create table event (
    number     bigint generated always as identity primary key,
    id         text not null,                    -- the author's own name for it
    version    integer not null,
    document   jsonb not null,
    area       bytea,                            -- canonical WKB; null only where the audience comes from the event referred to
    digest     text not null,                    -- SHA-256 of what is approved
    created_at timestamptz not null default now(),
    unique (id, version)
);

create table dispatch (
    id           text primary key,
    event        bigint not null references event,
    class        text not null check (class in ('evacuation', 'advisory', 'tourism', 'code')),
    mode         text not null check (mode in ('drill', 'live')),
    state        text not null
                 check (state in ('approved', 'planning', 'sending', 'drained', 'cancelled', 'expired')),
    priority     smallint not null,
    parent       text references dispatch,
    relation     text check (relation in ('updates', 'corrects', 'lifts')),
    requested_by text not null check (requested_by <> ''),
    approved_by  text not null check (approved_by <> ''),
    digest       text not null,
    valid_until  timestamptz not null,
    created_at   timestamptz not null default now(),
    approved_at  timestamptz not null default now(),
    matched_at   timestamptz,                    -- the audience is known
    planned_at   timestamptz,                    -- the last batch is written
    first_send_at timestamptz,
    ended_at     timestamptz,
    stopped_by   text,
    audience     integer,
    planner      bigint,                         -- the session that plans it
    next_batch   integer not null default 0,     -- numbers handed out so far; also what fences a planner that was given up
    check ((parent is null) = (relation is null)),
    check (mode = 'drill' or requested_by <> approved_by)
);
create index dispatch_open on dispatch (state) where state in ('approved', 'planning', 'sending');

create table message (
    dispatch text not null references dispatch on delete cascade,
    number   integer not null,
    channel  text not null,
    language text not null,
    shelter  text,                               -- the variant: the shelter named
    distance integer,                            -- and how far it is said to be, in metres
    subject  text not null,
    body     text not null,
    primary key (dispatch, number)
);

create table batch (
    dispatch    text not null references dispatch on delete cascade,
    number      integer not null,
    parent      integer,                         -- the batch this one was split from, when a provider refused it whole
    key         uuid not null unique,            -- the provider's idempotency key: random, never derived from a number a restored backup could repeat
    channel     text not null,
    lane        text not null,
    priority    smallint not null,
    messages    integer[] not null,              -- one for all members, or one a member
    members     bigint[] not null,
    places      bigint[] not null,               -- why: the place of each member that was hit; 0 where none was asked
    outcomes    bytea not null,                  -- written only by the attempt that holds the batch
    proofs      bytea,                           -- written only by receipts and late outcomes; what is true is the higher proof of both
    state       text not null check (state in ('due', 'claimed', 'done')),
    due_at      timestamptz not null default now(),
    session     bigint,
    claimed_at  timestamptz,
    attempt     integer not null default 0,      -- also the fencing token: an outcome of an older attempt is merged, never written over
    started     integer not null default 0,      -- members before this position may have been called in this attempt
    tries       integer not null default 0,      -- attempts that ended in retry, for the backoff
    first_attempt_at timestamptz,
    repeat_at   timestamptz,                     -- not before this are ambiguous members called again
    primary key (dispatch, number),
    check (cardinality(members) = length(outcomes)),
    check (cardinality(members) = cardinality(places)),
    check (cardinality(messages) in (1, cardinality(members))),
    check (proofs is null or length(proofs) = length(outcomes)),
    check ((state = 'claimed') = (session is not null))
) with (fillfactor = 80);
alter table batch alter column members set storage external;
alter table batch alter column places set storage external;
alter table batch alter column messages set storage external;
create index batch_due on batch (channel, priority, lane, due_at) where state = 'due';
create index batch_claimed on batch (channel, priority) where state = 'claimed';
create index batch_open on batch (dispatch) where state <> 'done';

-- What happened in one attempt of a batch. For single-call channels the arrays name each call.
create table attempt (
    dispatch   text not null,
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
    primary key (dispatch, batch, attempt, part),
    foreign key (dispatch, batch) references batch (dispatch, number) on delete cascade
);

create table worker_session (
    number     bigint generated always as identity primary key,
    host       text not null,
    pid        integer not null,
    beat       bigint not null default 0,
    started_at timestamptz not null default now(),
    ended_at   timestamptz,
    expired    boolean not null default false,
    trouble    jsonb not null default '[]'         -- what this process cannot do just now, for people to see
);

-- Receipts and late outcomes name (dispatch, batch, position); several may come for one member.
create table receipt (
    dispatch text not null,
    batch    integer not null,
    position integer not null,
    outcome  smallint not null,
    code     text not null,
    ref      text not null,
    at       timestamptz not null default now(),
    foreign key (dispatch, batch) references batch (dispatch, number) on delete cascade
);
create index receipt_batch on receipt (dispatch, batch);

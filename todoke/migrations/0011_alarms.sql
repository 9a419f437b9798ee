-- Alarms and the canary (dispatcher/watch.py, dispatcher/canary.py).

-- What is wrong, from when it was first seen until it was seen no more. No address, no name of a person.
create table alarm (
    number    bigint generated always as identity primary key,
    code      text not null,
    place     text not null,                     -- channel, lane, or empty
    ja        text not null,
    en        text not null,
    since     timestamptz not null default now(),
    seen_at   timestamptz not null default now(),
    patience  double precision not null,         -- seconds it may last before anybody is told
    raised_at timestamptz,                       -- it has lasted so long: an alarm
    ended_at  timestamptz,
    tell_at   timestamptz,                       -- when its next notice is due; null: nothing to tell
    told_at   timestamptz,                       -- the last notice that every hook took
    told      text[] not null default '{}',      -- the hooks that have taken the notice which is due
    failures  integer not null default 0         -- of the hooks, since the last notice they all took
);
create unique index alarm_open on alarm (code, place) where ended_at is null;
create index alarm_due on alarm (tell_at) where tell_at is not null;
create index alarm_ended on alarm (ended_at) where ended_at is not null;

-- What one process does for the whole fleet: whoever is first when it is due again.
create table duty (
    name    text primary key,
    done_at timestamptz not null default '-infinity'
);

-- Messages of the town to itself, to see that its channels work. Each is a dispatch of its own, sent like any other;
-- they are dropped after a week.
create table canary (
    dispatch    text collate "C" primary key references dispatch on delete cascade,
    channel     text not null,
    proof       text not null check (proof in ('accepted', 'receipt', 'answer')),
    answer      text not null,                   -- what its link must know
    counted     bigint,                          -- what the provider said, before, that it had sent this month
    sent_at     timestamptz not null default now(),
    deadline    timestamptz not null,
    next_at     timestamptz not null,            -- when the channel's next one is due
    came_back_at timestamptz,                    -- by its proof
    answered_at timestamptz,                     -- its link was opened
    missed_at   timestamptz,                     -- its deadline has passed, or it certainly did not arrive
    passed_over_at timestamptz                   -- it was never called, because warnings were being sent
);
create index canary_latest on canary (channel, sent_at);

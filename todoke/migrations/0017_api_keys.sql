-- Programs that use the API (console/api): what each may do, how often it asks, and what it was answered.

create table api_key (
    id           bigint generated always as identity primary key,
    name         text collate "C" not null unique  -- also of a revoked one: orders and the record name it
                 check (name ~ '^[a-z0-9][a-z0-9._-]{1,63}$'),
    key_hash     bytea not null unique,          -- SHA-256 of 256 random bits
    role         text not null check (role in ('viewer', 'author', 'tourism')),
    sends_drills boolean not null default false,
    created_at   timestamptz not null default clock_timestamp(),
    revoked_at   timestamptz,
    counted_from timestamptz not null default '-infinity',  -- when the present minute of its requests began
    calls        integer not null default 0,     -- how many it made since
    check (not (sends_drills and role = 'viewer'))
);

-- What a program was answered, for when it asks the same once more.
create table api_answer (
    key    bigint not null references api_key,
    token  text collate "C" not null,            -- its Idempotency-Key
    asked  bytea not null,                       -- SHA-256 of what it sent
    answer text,                                 -- null only within the transaction that makes it
    at     timestamptz not null default clock_timestamp(),
    primary key (key, token)
);
create index api_answer_at on api_answer (at);

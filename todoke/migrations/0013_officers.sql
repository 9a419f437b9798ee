-- Officers, who they are shown to be, and the record of what they do (console/accounts, console/audit).

create table officer (
    id          bigint generated always as identity primary key,
    login       text collate "C" not null unique check (login ~ '^[a-z0-9][a-z0-9._-]{1,63}$'),
    name        text not null check (name <> '' and length(name) <= 100),
    roles       text[] not null default '{viewer}'
                check (roles <@ array['viewer', 'author', 'approver', 'tourism', 'administrator', 'auditor']),
    language    text not null default 'ja' check (language in ('ja', 'en')),
    password    text,                            -- argon2id, with its parameters; null: not enrolled
    totp        bytea,                           -- the secret, sealed by the vault for this officer; null: not enrolled
    totp_step   bigint not null default 0,       -- the last step a code was taken for: none is taken twice
    enrol_hash  bytea unique,                    -- SHA-256 of the code that lets this person choose password and factor
    enrol_until timestamptz,
    created_at  timestamptz not null default now(),
    created_by  bigint references officer (id),  -- null: the command line
    enrolled_at timestamptz,
    disabled_at timestamptz,
    check ((enrol_hash is null) = (enrol_until is null)),
    check ((password is null) = (totp is null))
);

-- One row a sign-in. Only a hash of what the browser holds: whoever reads this table cannot use it.
create table sign_in (
    id         bigint generated always as identity primary key,
    officer    bigint not null references officer (id),
    token_hash bytea not null unique,            -- SHA-256 of 128 random bits, replaced at every factor given
    began_at   timestamptz not null default now(),
    seen_at    timestamptz not null default now(),
    factor_at  timestamptz,                      -- when the second factor was last given; null: the password alone
    tries      smallint not null default 0,      -- wrong codes in a row
    ended_at   timestamptz,
    ended_why  text,
    check ((ended_at is null) = (ended_why is null))
);
create index sign_in_of on sign_in (officer) where ended_at is null;

-- What went wrong lately, by a keyed hash of whom it concerns; a try is counted before it is looked at.
create table sign_in_try (
    id   bigint generated always as identity primary key,
    whom bytea not null,
    at   timestamptz not null default now()
);
create index sign_in_try_of on sign_in_try (whom, at);

-- What lets somebody do more than before: one administrator asks, another agrees.
create table elevation (
    id          bigint generated always as identity primary key,
    officer     bigint not null references officer (id),
    kind        text not null check (kind in ('roles', 'reset')),  -- more roles, or a new password and factor
    roles       text[] not null default '{}',
    proposed_by bigint not null references officer (id),
    proposed_at timestamptz not null default now(),
    decided_by  bigint references officer (id),
    decided_at  timestamptz,
    granted     boolean,
    check ((decided_at is null) = (decided_by is null) and (decided_at is null) = (granted is null)),
    check (granted is not true or decided_by <> proposed_by)
);
create index elevation_open on elevation (officer) where decided_at is null;

-- The record. Each row's hash covers the row and the hash before it.
create table audit (
    seq     bigint primary key check (seq > 0),
    at      timestamptz not null,
    actor   bigint references officer (id),      -- null: the program itself, or the command line
    action  text collate "C" not null check (action <> ''),
    subject text not null,
    details text not null,                       -- canonical JSON, as it was hashed
    hash    bytea not null check (length(hash) = 32)
);
create index audit_by_subject on audit (subject, seq);
create index audit_by_actor on audit (actor, seq);

create function audit_only_grows() returns trigger language plpgsql as $$
begin
    raise exception 'the record is only ever added to';
end
$$;
create trigger audit_only_grows before update or delete on audit
    for each row execute function audit_only_grows();
create trigger audit_is_not_emptied before truncate on audit
    for each statement execute function audit_only_grows();

-- Where the chain ends; whoever adds to it holds this row.
create table audit_head (
    one  boolean primary key default true check (one),
    seq  bigint not null,
    hash bytea not null
);
insert into audit_head (seq, hash) values (0, decode(repeat('00', 32), 'hex'));

-- What an order is before it is a dispatch, and the prepared texts (console/orders).

create table town_order (
    id           bigint generated always as identity primary key,
    state        text not null default 'draft'
                 check (state in ('draft', 'submitted', 'approved', 'counting', 'released', 'taken_back', 'void')),
    mode         text not null check (mode in ('drill', 'live')),  -- chosen first, and never changed
    version      integer not null default 1,     -- the present one
    prepared_for bigint unique references town_order,  -- it is the correction of that order, prepared beforehand
    start_at     timestamptz,                    -- a drill that begins by itself, once approved
    hash         text collate "C",               -- what was submitted; any change of the content takes it away
    approval     bigint,                         -- and with it the approval
    release_at   timestamptz,                    -- until then it can be taken back
    dispatch     text collate "C" unique references dispatch,
    void_why     text,
    created_at   timestamptz not null default clock_timestamp(),
    changed_at   timestamptz not null default clock_timestamp(),
    check ((hash is not null) = (state in ('submitted', 'approved', 'counting', 'released'))),
    check ((approval is not null) = (state in ('approved', 'counting', 'released'))),
    check ((release_at is not null) = (state = 'counting')),
    check ((dispatch is not null) = (state = 'released')),
    check ((void_why is not null) = (state = 'void')),
    check (start_at is null or mode = 'drill'),
    check (state <> 'approved' or start_at is not null)
);
create index town_order_counting on town_order (release_at) where state = 'counting';
create index town_order_waiting on town_order (start_at) where state in ('submitted', 'approved') and start_at is not null;
create index town_order_changed on town_order (changed_at);

-- Every version of a draft as it was written, whole; by an officer or through an API key.
create table town_order_version (
    order_id bigint not null references town_order,
    number   integer not null,
    document jsonb not null,
    officer  bigint references officer,
    key      text,
    at       timestamptz not null default clock_timestamp(),
    primary key (order_id, number),
    check ((officer is null) <> (key is null))
);

-- What was put before others to be approved: exactly what would be sent.
create table town_order_submission (
    order_id bigint not null,
    number   integer not null,
    version  integer not null,
    hash     text collate "C" not null,
    event    jsonb not null,
    area     bytea,
    people   integer,                            -- counted then; null: the record of the dispatch referred to says who
    figures  jsonb not null,                     -- what was promised: console/orders/sheet.py
    officer  bigint references officer,
    key      text,
    at       timestamptz not null default clock_timestamp(),
    primary key (order_id, number),
    foreign key (order_id, version) references town_order_version (order_id, number),
    check ((officer is null) <> (key is null))
);

create table town_order_approval (
    id        bigint generated always as identity primary key,
    order_id  bigint not null references town_order,
    hash      text collate "C" not null,
    kind      text not null check (kind in ('second', 'alone', 'key', 'after')),
    officer   bigint references officer,
    key       text,
    factor_at timestamptz,                       -- when the second factor was given
    counted   integer,                           -- people, as they were counted for the approval
    epoch     bigint not null,                   -- of the database: a backup of it approves nothing
    due_at    timestamptz,                       -- alone: when another officer has to have looked at it
    agreed    boolean,                           -- after: whether that officer agrees
    note      text not null default '',
    at        timestamptz not null default clock_timestamp(),
    unique (id, order_id, hash),
    check ((kind = 'key') = (key is not null)),
    check ((kind = 'key') = (officer is null)),
    check ((kind = 'key') = (factor_at is null)),
    check ((kind = 'alone') = (due_at is not null)),
    check ((kind = 'after') = (agreed is not null))
);
create unique index town_order_looked_at on town_order_approval (order_id) where kind = 'after';
create index town_order_alone on town_order_approval (order_id) where kind = 'alone';

-- No order is approved, counts down or is released without an approval of just what it holds now.
alter table town_order
    add foreign key (approval, id, hash) references town_order_approval (id, order_id, hash),
    add foreign key (id, version) references town_order_version (order_id, number) deferrable initially deferred;

-- The prepared texts, every version of each; the highest is in use.
create table text_template (
    hazard   text not null,
    level    smallint not null check (level between 3 and 5),
    purpose  text not null check (purpose in ('order', 'still', 'released', 'corrects', 'lifts')),
    language text collate "C" not null,
    version  integer not null,
    subject  text not null,
    body     text not null check (body <> ''),
    sms      text not null,
    officer  bigint not null references officer,
    at       timestamptz not null default clock_timestamp(),
    primary key (hazard, level, purpose, language, version)
);

create trigger version_stays before update or delete on town_order_version
    for each row execute function audit_only_grows();
create trigger submission_stays before update or delete on town_order_submission
    for each row execute function audit_only_grows();
create trigger approval_stays before update or delete on town_order_approval
    for each row execute function audit_only_grows();
create trigger template_stays before update or delete on text_template
    for each row execute function audit_only_grows();

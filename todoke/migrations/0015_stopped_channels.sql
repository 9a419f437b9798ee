-- A channel of a dispatch can be stopped, while its others go on.

alter table dispatch add column stopped_channels text[] not null default '{}';

-- Who stopped it, and when.
create table channel_stop (
    dispatch   text collate "C" not null references dispatch on delete cascade,
    channel    text not null,
    stopped_by text not null check (stopped_by <> ''),
    at         timestamptz not null default clock_timestamp(),
    primary key (dispatch, channel)
);

-- The few that the closer has to look through.
create index dispatch_channels on dispatch (id)
    where stopped_channels <> '{}' and state in ('approved', 'planning', 'sending', 'held');

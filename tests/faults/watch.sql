-- Every state a batch was ever in, in the order of its changes: what the checker and the history of a recipient read.
create schema faults;

create table faults.seen (
    at       timestamptz not null default clock_timestamp(),
    dispatch text collate "C" not null,
    number   integer not null,
    state    text not null,
    session  bigint,
    attempt  integer not null,
    started  integer not null,
    outcomes bytea not null,
    proofs   bytea
);
create index seen_dispatch on faults.seen (dispatch);

create function faults.see() returns trigger language plpgsql as $$
begin
    insert into faults.seen (dispatch, number, state, session, attempt, started, outcomes, proofs)
    values (new.dispatch, new.number, new.state, new.session, new.attempt, new.started, new.outcomes, new.proofs);
    return null;
end $$;

create trigger seen after insert or update on batch for each row execute function faults.see();

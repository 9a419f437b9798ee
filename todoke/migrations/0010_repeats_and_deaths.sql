-- The bound on repeats, and whom workers die of.

alter table batch
    add column counts_once boolean not null default false,  -- the provider counts a repeated call once, so it may be repeated at will
    add column repeated bytea,                   -- elsewhere one byte a member: 1 where the one repeat of a doubtful call has begun
    add column deaths   smallint not null default 0,        -- workers that died while they held this batch (dispatcher/inspection.py)
    add column suspect  int4range;               -- the positions that a worker is looking at, where others died before

-- Of what was sent before this only the built-in LINE counts a repeated call once.
update batch set counts_once = true where channel = 'line' and state || '' in ('due', 'claimed');

-- Whoever is being called again at this moment has their repeat.
create function doubtful(outcomes bytea, before integer) returns bytea language plpgsql immutable as $$
declare
    marks bytea := decode(repeat('00', length(outcomes)), 'hex');
begin
    for p in 0 .. least(before, length(outcomes)) - 1 loop
        if get_byte(outcomes, p) = 4 then
            marks := set_byte(marks, p, 1);
        end if;
    end loop;
    return marks;
end $$;
update batch set repeated = doubtful(outcomes, started)
where state = 'claimed' and not counts_once and (repeat_at is null or repeat_at <= claimed_at);
drop function doubtful(bytea, integer);

-- A call that nobody answered for (byte 4) is repeated once at most where the provider would count it twice: who is
-- called again is marked in the commit of the intent, the mark is taken away only when that repeat certainly did not
-- go, and nobody who bears one is doubtful once the calls are over. So there is no way to write down a second repeat
-- that may have arrived.
--
-- `begun`: the positions before this may be called just now; `repeating`: who was doubtful before is among them.
create function repeats_bounded(outcomes bytea, repeated bytea, begun integer, repeating boolean) returns boolean
    language sql immutable parallel safe
    return not exists (
        select
        from generate_series(0, length(outcomes) - 1) p
        where get_byte(outcomes, p) = 4
          and case when coalesce(get_byte(repeated, p), 0) = 1 then p >= begun else p < begun and repeating end
    );

alter table batch
    add constraint batch_repeated check (length(repeated) = size) not valid,
    add constraint batch_repeats check (
        counts_once
        or position('\x04'::bytea in outcomes) = 0
        or repeats_bounded(
            outcomes,
            repeated,
            case when state = 'claimed' then started else 0 end,
            repeat_at is null or repeat_at <= claimed_at
        )
    ) not valid;                                 -- for what is written from now on: what was sent is not read again

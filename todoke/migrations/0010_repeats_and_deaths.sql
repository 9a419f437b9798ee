-- The bound on repeats, and whom workers die of.

alter table batch
    add column counts_once boolean not null default false,  -- the provider counts a repeated call once, so it may be repeated at will
    add column repeated bytea,                   -- elsewhere one byte a member: who of the doubtful is called again (1) or not (2)
    add column deaths   smallint not null default 0,        -- workers that died while they held this batch (dispatcher/inspection.py)
    add column suspect  int4range;               -- the positions that a worker is looking at, where others died before

-- Of what was sent before this only the built-in LINE counts a repeated call once.
update batch set counts_once = true where channel = 'line' and state || '' in ('due', 'claimed');

-- Who is being called at this moment: the doubtful are called again, or are passed over.
create function doubtful(outcomes bytea, before integer, mark integer) returns bytea language plpgsql immutable as $$
declare
    marks bytea := decode(repeat('00', length(outcomes)), 'hex');
begin
    for p in 0 .. least(before, length(outcomes)) - 1 loop
        if get_byte(outcomes, p) = 4 then
            marks := set_byte(marks, p, mark);
        end if;
    end loop;
    return marks;
end $$;
update batch
set repeated = doubtful(outcomes, started, case when repeat_at is null or repeat_at <= claimed_at then 1 else 2 end)
where state = 'claimed' and not counts_once;
drop function doubtful(bytea, integer, integer);

-- A call that nobody answered for (byte 4) is repeated once at most where the provider would count it twice. While a
-- batch is being called each doubtful member before `started` bears a mark: 1, called again, or 2, not. The commit of
-- the intent makes it 1, only proof that the repeat did not go makes it 2, and once the calls are over whoever bears 1
-- is doubtful no more. So there is no way to write down a second repeat that may have arrived.
create function repeats_bounded(outcomes bytea, repeated bytea, begun integer) returns boolean
    language sql immutable parallel safe
    return not exists (
        select
        from generate_series(0, length(outcomes) - 1) p
        where get_byte(outcomes, p) = 4
          and (p < begun) <> (coalesce(get_byte(repeated, p), 0) in (1, 2))
    );

alter table batch
    add constraint batch_repeated check (length(repeated) = size) not valid,
    add constraint batch_repeats check (
        counts_once
        or position('\x04'::bytea in outcomes) = 0
        or repeats_bounded(outcomes, repeated, case when state = 'claimed' then started else 0 end)
    ) not valid;                                 -- for what is written from now on: what was sent is not read again

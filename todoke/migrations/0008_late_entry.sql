-- Late entry: whoever comes into the area of an order in force gets it too (dispatcher/late_entry.py).

alter table batch
    add column entered_at timestamptz;           -- when these people were found to have come in; null: found by the plan

alter table dispatch
    add column late_entry boolean not null default false,  -- goes to whoever comes into its area while it is in force
    add column late_entries integer not null default 0;    -- people who got it that way; part of `audience`

create index dispatch_late on dispatch (valid_until) where late_entry and state in ('sending', 'drained');
create index dispatch_parent on dispatch (parent) where parent is not null;
create index dispatch_event on dispatch (event);

-- The orders that whoever comes in gets now. Of dispatches that refer to one another, and of one event sent again, only
-- the newest counts that was not stopped before it had been sent, and none once it, or anything it refers to, was
-- lifted.
--
-- `kin`: the dispatches in whose batches nobody may stand who is still to get this one: itself, others of the same
-- event but for those that were lifted, and whatever it corrects, since a correction goes to the people of that.
-- `area_of`: the event whose area holds; a correction may have none of its own.
create view order_in_force as
with recursive standing as (
    select d.id, d.event as number, d.created_at, d.mode, d.relation, d.parent, e.id as event
    from dispatch d
    join event e on e.number = d.event
    where d.late_entry and d.state in ('sending', 'drained') and d.valid_until > now() and d.stopped_by is null
), line as (
    select s.id as whose, 0 as depth, s.id, s.number, s.relation, s.parent, true as same_words
    from standing s
    union all
    select l.whose, l.depth + 1, p.id, p.event, p.relation, p.parent, l.same_words and l.relation = 'corrects'
    from line l
    join dispatch p on p.id = l.parent
)
select
    s.id as dispatch,
    (select l.number from line l join event e on e.number = l.number
     where l.whose = s.id and e.area is not null order by l.depth limit 1) as area_of,
    array(
        select l.id from line l where l.whose = s.id and l.same_words
        union
        select d.id from event e join dispatch d on d.event = e.number where e.id = s.event and d.mode = s.mode
          and not exists (
              select from dispatch c where c.parent = d.id and c.relation = 'lifts' and c.state <> 'cancelled'
          )
    ) as kin
from standing s
where not exists (select from line l where l.whose = s.id and l.same_words and l.relation = 'lifts')
  and not exists (
      select from line l
      join dispatch c on c.parent = l.id
      where l.whose = s.id and c.created_at > s.created_at and (c.state <> 'cancelled' or c.late_entries > 0)
  )
  and not exists (
      select from event e
      join dispatch c on c.event = e.number
      where e.id = s.event and c.mode = s.mode and c.created_at > s.created_at
        and (c.state <> 'cancelled' or c.late_entries > 0)
  );

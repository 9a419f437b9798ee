-- A smaller batch with the members of $2 of dispatch $1 that stand at positions $5 (from 1). One message is everybody's.
insert into batch (dispatch, number, parent, key, channel, lane, priority, messages, members, places, outcomes, state, tries,
                   entered_at, counts_once)
select dispatch, $3, number, $4, channel, lane, priority,
       case when cardinality(messages) = 1 then messages
            else array(select messages[p] from unnest($5::integer[]) with ordinality as o(p, n) order by n) end,
       array(select members[p] from unnest($5::integer[]) with ordinality as o(p, n) order by n),
       array(select places[p] from unnest($5::integer[]) with ordinality as o(p, n) order by n),
       $6, 'due', 0, entered_at, counts_once
from batch
where dispatch = $1 and number = $2

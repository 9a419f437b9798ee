select batch, attempt, at, positions, outcomes, codes, refs, millis,
       (select o.ordered_by from emergency_order o where o.number = attempt.emergency) as ordered_by
from attempt
where dispatch = $1 and batch = any($2::integer[])
order by at, batch, attempt, part

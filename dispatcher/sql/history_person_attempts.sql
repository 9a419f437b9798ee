select batch, attempt, at, positions, outcomes, codes, refs, millis
from attempt
where dispatch = $1 and batch = any($2::integer[])
order by at, batch, attempt, part

select batch, attempt, positions, outcomes, codes
from attempt
where dispatch = $1 and batch = any($2::integer[])
order by batch, attempt, part

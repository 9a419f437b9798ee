-- How batches of dispatch $1 stand: all that are not done, and those numbered $2 or more.
select number, state, attempt, started
from batch
where dispatch = $1 and state || '' in ('due', 'claimed')
union
select number, state, attempt, started
from batch
where dispatch = $1 and number >= $2

-- Nobody claims, begins or records these until the transaction ends: the unfinished batches of dispatch $1 on channels $2.
select number
from batch
where dispatch = $1 and state || '' in ('due', 'claimed') and channel = any($2::text[])
order by number
for no key update

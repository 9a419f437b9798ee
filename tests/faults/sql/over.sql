-- Whether nothing is left to do for a dispatch.
select state in ('drained', 'cancelled', 'expired')
       and not exists (select from batch where dispatch = $1 and state || '' in ('due', 'claimed'))
from dispatch
where id = $1

-- Planned whole or stopped, and every batch of it recorded to its end.
select (planned_at is not null or state not in ('approved', 'planning', 'sending'))
    and not exists (select from batch b where b.dispatch = d.id and b.state || '' in ('due', 'claimed'))
from dispatch d
where d.id = $1

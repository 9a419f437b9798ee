-- Canaries of more than $1 days ago, and all that was recorded of them.
with old as (
    select c.dispatch from canary c
    join dispatch d on d.id = c.dispatch
    where c.sent_at < now() - $1 * interval '1 day' and d.state not in ('approved', 'planning', 'sending')
    order by c.sent_at
    limit 500
), attempts as (
    delete from attempt where dispatch in (select dispatch from old)
), receipts as (
    delete from receipt where dispatch in (select dispatch from old)
)
delete from dispatch where id in (select dispatch from old)

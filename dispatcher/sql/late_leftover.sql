-- Batches of late entry that still wait although their order is no longer in force.
select b.dispatch, b.number, b.outcomes, b.proofs, 'cancelled' as state
from dispatch d
join batch b on b.dispatch = d.id
where d.late_entries > 0 and d.state = 'sending'
  and b.state || '' = 'due' and b.entered_at is not null
  and not exists (select from order_in_force o where o.dispatch = d.id)
limit 500
for no key update of b skip locked

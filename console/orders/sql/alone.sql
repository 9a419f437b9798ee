-- What one officer released, or is releasing, alone and nobody else has looked at.
select o.id, o.dispatch, a.due_at < clock_timestamp() as overdue
from town_order o
join town_order_approval a on a.id = o.approval
where a.kind = 'alone' and o.state in ('counting', 'released')
  and not exists (select from town_order_approval l where l.order_id = o.id and l.kind = 'after')
order by o.id

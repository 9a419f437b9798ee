-- The correction that was prepared for the order that became dispatch $1.
select c.id from town_order c join town_order o on o.id = c.prepared_for where o.dispatch = $1

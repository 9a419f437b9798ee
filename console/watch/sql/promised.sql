-- The figures that stood on the sheet when what became dispatch $1 was submitted.
select s.figures
from town_order o
join town_order_submission s on s.order_id = o.id and s.hash = o.hash
where o.dispatch = $1
order by s.number desc
limit 1

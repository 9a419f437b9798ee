-- People in batches that are not begun, of dispatches of one class.
select coalesce(sum(cardinality(b.members)), 0)
from batch b
join dispatch d on d.id = b.dispatch
where b.state = 'due' and d.class = $1 and d.state in ('planning', 'sending')

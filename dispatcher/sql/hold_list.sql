-- What is held now, and why.
select d.id as dispatch, d.class, d.mode, h.reason, h.was, h.counted, h.found, h.at
from dispatch d
cross join lateral (select * from hold where hold.dispatch = d.id order by hold.number desc limit 1) h
where d.state = 'held'
order by d.priority, d.approved_at

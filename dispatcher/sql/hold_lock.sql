-- A dispatch and the last of its holds, the dispatch's row locked.
select d.id as dispatch, d.state, d.class, d.mode, d.valid_until > now() as valid, d.planned_at, d.requested_by,
       d.approved_by, h.reason, h.was, h.counted, h.found, h.at
from dispatch d
left join lateral (select * from hold where hold.dispatch = d.id order by hold.number desc limit 1) h on true
where d.id = $1
for update of d

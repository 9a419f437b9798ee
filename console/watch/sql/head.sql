-- What a dispatch is called, without its texts and its shape.
select d.id, d.class, d.mode, d.state, d.relation, d.parent, d.approved_at, d.valid_until, d.stopped_by, d.aged_at,
       d.state = 'drained' and d.late_entry and d.stopped_by is null and d.valid_until > now() as late_entry_goes_on,
       e.document -> 'area_name' as area_name, e.document ->> 'hazard' as hazard, (e.document ->> 'level')::integer as level,
       (select o.id from town_order o where o.dispatch = d.id) as order_id,
       array(select c.id from dispatch c where c.parent = d.id order by c.created_at) as followers
from dispatch d
join event e on e.number = d.event
where d.id = $1

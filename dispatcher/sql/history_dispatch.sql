-- An event that corrects or lifts may have no area of its own: it concerns whom its parent concerned.
select d.*, e.id as event_id, e.document, coalesce(e.area, pe.area) as area
from dispatch d
join event e on e.number = d.event
left join dispatch p on p.id = d.parent
left join event pe on pe.number = p.event
where d.id = $1

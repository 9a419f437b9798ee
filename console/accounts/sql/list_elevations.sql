select elevation.id,
    elevation.officer,
    whom.name as officer_name,
    elevation.kind,
    elevation.roles,
    elevation.proposed_by,
    who.name as proposer_name,
    elevation.proposed_at
from elevation
join officer as whom on whom.id = elevation.officer
join officer as who on who.id = elevation.proposed_by
where elevation.decided_at is null and elevation.proposed_at > now() - interval '7 days'
order by elevation.id

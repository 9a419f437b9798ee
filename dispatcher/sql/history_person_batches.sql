select
    b.number, b.channel, b.state, b.started, b.outcomes, b.proofs, member.position - 1 as position,
    b.places[member.position] as place, b.entered_at,
    m.language, m.audience, m.shelter, s.name as shelter_name, m.distance, m.subject, m.body
from batch b
cross join lateral (select array_position(b.members, $2::bigint)) as member (position)
join message m on m.dispatch = b.dispatch and m.number = b.messages[least(member.position, cardinality(b.messages))]
left join shelter s on s.id = m.shelter
where b.dispatch = $1 and b.members @> array[$2::bigint]
order by b.number

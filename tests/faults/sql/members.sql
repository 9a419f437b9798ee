select b.number, b.channel, b.state, b.outcomes, b.proofs, now() as now,
       array(select coalesce(s.id, m.subscriber::text) from unnest(b.members) with ordinality as m (subscriber, nth)
             left join subscriber s on s.number = m.subscriber order by m.nth) as people
from batch b
where b.dispatch = $1
order by b.number

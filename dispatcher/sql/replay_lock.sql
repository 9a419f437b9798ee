-- What speaks for and against sending dispatch $1 again, its row locked as whoever adds batches locks it.
select d.state, d.class, d.mode, d.valid_until > now() as valid, d.aged_at is not null as aged, d.stopped_channels,
       exists (select from dispatch c where c.parent = d.id and c.relation is not null and c.state <> 'cancelled') as followed,
       exists (
           select from dispatch n join event other on other.number = n.event
           where other.id = e.id and n.mode = d.mode and n.created_at > d.created_at and n.state <> 'cancelled'
       ) as newer
from dispatch d
join event e on e.number = d.event
where d.id = $1
for no key update of d

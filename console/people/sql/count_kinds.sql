select kind, count(*) as people
from contact
where left_at is null
group by kind
order by people desc, kind

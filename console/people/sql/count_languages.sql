select language, count(*) as people
from subscriber
where left_at is null
group by language
order by people desc, language

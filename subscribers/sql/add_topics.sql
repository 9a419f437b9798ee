insert into topic (number, name)
select coalesce((select max(number) from topic), -1) + row_number() over (order by name), name
from unnest($1::text[]) as new (name)
returning name, number

-- Another number when anything about the shelters that receive people is another.
select coalesce(sum(hashtextextended(shelter::text, 0)), 0)::text
from shelter
where status = any ($1::text[])

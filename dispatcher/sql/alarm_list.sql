select code, place, ja, en, since, told_at, failures
from alarm
where raised_at is not null and ended_at is null
order by since, number

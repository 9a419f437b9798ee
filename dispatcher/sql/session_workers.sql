select number, host, pid, started_at, trouble
from worker_session
where not expired and ended_at is null
order by number

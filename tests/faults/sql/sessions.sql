select number, pid from worker_session where pid = any($1::integer[]) and ended_at is null

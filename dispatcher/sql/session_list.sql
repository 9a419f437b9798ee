select number, beat from worker_session where not expired and ended_at is null

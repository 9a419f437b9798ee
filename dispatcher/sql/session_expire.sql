update worker_session set expired = true where number = $1 and beat = $2 and not expired and ended_at is null
returning number

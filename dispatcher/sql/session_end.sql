update worker_session set ended_at = now() where number = $1

-- What live sessions say holds them up.
select number, beat, trouble from worker_session where not expired and ended_at is null

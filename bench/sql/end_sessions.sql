-- Whoever was killed in an earlier run would keep its share of the limits for half a minute.
update worker_session set expired = true where not expired and ended_at is null

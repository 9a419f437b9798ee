-- Gives how many sessions live, this one included; nothing when this one was given up.
update worker_session set beat = beat + 1, trouble = $2::jsonb
where number = $1 and not expired and ended_at is null
returning (select count(*) from worker_session where not expired and ended_at is null)

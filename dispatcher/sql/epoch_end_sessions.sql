-- Sessions of the time before the backup, or of processes that begin anew. New ones get numbers that none of those had.
with ended as (
    update worker_session set ended_at = now() where ended_at is null and not expired
)
select setval(pg_get_serial_sequence('worker_session', 'number'), nextval(pg_get_serial_sequence('worker_session', 'number')) + 1000000)

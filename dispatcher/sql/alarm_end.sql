-- What was not seen for $1 seconds is over. Whoever heard of it hears that too; what nobody heard of is forgotten.
with passed as (
    delete from alarm
    where ended_at is null and raised_at is null and seen_at < now() - $1 * interval '1 second'
)
update alarm set ended_at = seen_at, tell_at = now(), told = '{}'
where ended_at is null and raised_at is not null and seen_at < now() - $1 * interval '1 second'
returning code, place, en

-- What has lasted longer than its patience is an alarm, and is told.
update alarm set raised_at = now(), tell_at = now(), told = '{}'
where ended_at is null and raised_at is null and since <= now() - patience * interval '1 second'
returning code, place, en

-- One notice that is due, for this process to tell; if it dies over that, it is due again after $1 seconds.
update alarm a set tell_at = now() + $1 * interval '1 second'
from (
    select number from alarm where tell_at <= now() order by tell_at, number limit 1 for update skip locked
) due
where a.number = due.number
returning a.number, a.code, a.place, a.ja, a.en, a.since, a.ended_at, a.told, a.told_at, a.failures

-- All hooks took the notice of alarm $1: it is due again after $2 seconds while the alarm lasts. $3: it told of the end.
-- An end that came while the alarm itself was being told is due at once.
update alarm
set told = '{}', told_at = now(), failures = 0,
    tell_at = case
        when $3 then null
        when ended_at is not null then now()
        else now() + $2 * interval '1 second'
    end
where number = $1

-- The hooks $2 took the notice of alarm $1, and others did not: these are tried again after $3 seconds. $4: it told of
-- the end. An end that came meanwhile is a new notice, for all hooks.
update alarm
set failures = failures + 1,
    told = case when ended_at is null or $4 then $2::text[] else '{}' end,
    tell_at = now() + $3 * interval '1 second'
where number = $1

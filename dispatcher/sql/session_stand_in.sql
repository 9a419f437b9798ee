-- A beat for a process whose loop stands still. It brings no dead session back; the loop's own next beat takes the trouble away.
update worker_session
set beat = beat + 1,
    trouble = (select coalesce(jsonb_agg(t), '[]') from jsonb_array_elements(trouble) t where t ->> 'code' <> $2::jsonb -> 0 ->> 'code')
              || $2::jsonb
where number = $1 and not expired and ended_at is null

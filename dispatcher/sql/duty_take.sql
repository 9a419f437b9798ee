-- Gives a row to the first who asks $2 seconds after the duty $1 was last done.
insert into duty as d (name, done_at) values ($1, now())
on conflict (name) do update set done_at = now() where d.done_at <= now() - $2 * interval '1 second'
returning name

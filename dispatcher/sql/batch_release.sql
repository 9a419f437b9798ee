-- Give a claimed batch back as it was: nothing more of it was started. Only what is claimed has a session.
update batch
set state = 'due', session = null, repeated = $5, due_at = now() + $6 * interval '1 second'
where dispatch = $1 and number = $2 and attempt = $3 and session = $4
returning dispatch, number

-- Give a claimed batch back as it was: nothing more of it was started. Only what is claimed has a session.
update batch
set state = 'due', session = null, due_at = now()
where dispatch = $1 and number = $2 and attempt = $3 and session = $4
returning dispatch, number

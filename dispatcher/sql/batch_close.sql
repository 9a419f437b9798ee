update batch set outcomes = $3, state = 'done' where dispatch = $1 and number = $2 and state = 'due'

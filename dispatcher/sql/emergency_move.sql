-- A batch of which nothing is under way, without those who are called by another one. Who had claimed it holds it no longer.
update batch set outcomes = $3, state = $4, session = null where dispatch = $1 and number = $2

-- A batch whose row this transaction has locked while it was due.
update batch set outcomes = $3, state = 'done' where dispatch = $1 and number = $2

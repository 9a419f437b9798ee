-- Whoever is sent to again is counted in the batch they stand in from now on.
update batch set outcomes = $3 where dispatch = $1 and number = $2

-- What a journal knows of a batch that another worker has in hand by now.
update batch set proofs = $3 where dispatch = $1 and number = $2

select outcomes, proofs, state from batch where dispatch = $1 and number = $2 for update

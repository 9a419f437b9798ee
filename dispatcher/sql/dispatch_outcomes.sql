select channel, outcomes, proofs, state, started from batch where dispatch = $1

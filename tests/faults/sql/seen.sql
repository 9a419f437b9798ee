select number, at, state, session, attempt, started, outcomes, proofs from faults.seen where dispatch = $1 order by at

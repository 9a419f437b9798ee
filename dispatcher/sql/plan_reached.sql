-- Whom the dispatch may have reached: what to ask of each batch.
select channel, members, outcomes, proofs, state, started from batch where dispatch = $1

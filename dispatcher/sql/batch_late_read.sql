-- Locked before its receipt or attempt is inserted: the other way round two of them would deadlock on the foreign key.
select outcomes, proofs, state, key from batch where dispatch = $1 and number = $2 for no key update

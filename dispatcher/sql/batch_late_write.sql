-- Proof from a receipt, or from a worker that was given up; a batch that waited for nothing else is done.
update batch
set proofs = $3,
    state = case when state = 'due' and $4 then 'done' else state end
where dispatch = $1 and number = $2

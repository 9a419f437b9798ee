-- The same receipt again says nothing new: providers repeat what they were not quickly thanked for. Whoever writes has
-- locked the batch.
insert into receipt (dispatch, batch, position, outcome, code, ref)
select $1, $2, $3, $4, $5, $6
where not exists (
    select from receipt
    where dispatch = $1 and batch = $2 and position = $3 and outcome = $4 and code = $5 and ref = $6
)

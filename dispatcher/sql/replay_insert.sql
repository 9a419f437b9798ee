insert into replay (dispatch, number, requested_by, approved_by, people, why)
select $1, coalesce(max(number), 0) + 1, $2, $3, $4, $5::jsonb from replay where dispatch = $1

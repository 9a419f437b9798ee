-- Hold dispatch $1, which session $2 plans, for reason $3: people counted at the approval $4 and found now $5.
with held as (
    update dispatch set state = 'held', planner = null
    where id = $1 and planner = $2 and state = 'planning'
    returning id
)
insert into hold (dispatch, number, reason, was, counted, found)
select id, (select coalesce(max(number), 0) + 1 from hold where dispatch = $1), $3, 'approved', $4, $5
from held
returning number

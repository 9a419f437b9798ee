-- For each batch a broken session ($1, at $2) held: when somebody else, or nobody, held it next; null: not yet.
with held as (
    select distinct on (dispatch, number) dispatch, number, session
    from faults.seen
    where at <= $2
    order by dispatch, number, at desc
)
select h.dispatch, h.number, min(s.at) as at
from held h
left join faults.seen s on s.dispatch = h.dispatch and s.number = h.number and s.at > $2 and s.session is distinct from $1
where h.session = $1
group by h.dispatch, h.number

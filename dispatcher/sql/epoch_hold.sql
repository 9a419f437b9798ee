-- Hold whatever might send: what is unfinished, and orders in force that bring people in. Batch numbers go on far
-- behind those that may have been handed out since the backup was taken: receipts name them.
with unfinished as (
    select d.id,
           case d.state
               when 'planning' then 'approved'
               when 'held' then (select h.was from hold h where h.dispatch = d.id order by h.number desc limit 1)
               else d.state
           end as was,
           (select coalesce(max(h.number), 0) + 1 from hold h where h.dispatch = d.id) as number
    from dispatch d
    where d.state in ('approved', 'planning', 'sending', 'held')
       or (d.state = 'drained' and d.late_entry and d.stopped_by is null and d.valid_until > now())
    for update of d
), held as (
    update dispatch d
    set state = 'held', planner = null, next_batch = d.next_batch + 1000000, numbers_from = d.next_batch + 1000000
    from unfinished u
    where d.id = u.id
)
insert into hold (dispatch, number, reason, was)
select id, number, 'restored', was from unfinished
returning dispatch

-- Orders $1 (null: those in the states $2, the latest changed first, $3 at most), each as it stands now; without areas if $4.
select o.id, o.state, o.mode, o.version, o.prepared_for, o.start_at, o.hash, o.release_at, o.dispatch, o.void_why, o.changed_at,
       clock_timestamp() as now,
       case when $4 then v.document - 'area' else v.document end as document,
       v.officer as version_officer, v.key as version_key, v.at as version_at,
       s.number as submission, s.officer as submission_officer, s.key as submission_key, s.people, s.figures,
       s.at as submission_at, o.approval, a.kind, a.officer as approval_officer, a.key as approval_key, a.counted,
       a.at as approval_at, a.due_at, l.officer as looked_by, l.agreed, l.note, l.at as looked_at
from town_order o
join town_order_version v on v.order_id = o.id and v.number = o.version
left join lateral (
    select * from town_order_submission s where s.order_id = o.id order by s.number desc limit 1
) s on true
left join town_order_approval a on a.id = o.approval
left join town_order_approval l on l.order_id = o.id and l.kind = 'after'
where case when $1::bigint[] is null then o.state = any($2::text[]) else o.id = any($1) end
order by o.changed_at desc, o.id desc
limit $3

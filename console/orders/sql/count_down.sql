-- Approved by $2: it leaves in $3 seconds, or begins at its time.
update town_order
set approval = $2, changed_at = clock_timestamp(),
    state = case when start_at > clock_timestamp() then 'approved' else 'counting' end,
    release_at = case when start_at > clock_timestamp() then null else clock_timestamp() + $3 * interval '1 second' end
where id = $1

-- Another content: what was submitted and approved was not this.
update town_order
set state = 'draft', version = $2, start_at = $3, hash = null, approval = null, changed_at = clock_timestamp()
where id = $1

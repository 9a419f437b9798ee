-- Let dispatch $1 go on where it was held; $3 people were counted, null where nobody could.
with released as (
    update hold set released_by = $2, released_at = clock_timestamp()
    where dispatch = $1 and released_at is null
)
update dispatch set state = $4, counted = $3 where id = $1

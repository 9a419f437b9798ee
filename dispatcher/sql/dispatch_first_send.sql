update dispatch set first_send_at = clock_timestamp() where id = $1 and first_send_at is null

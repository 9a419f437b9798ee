update dispatch set first_send_at = least(first_send_at, $2) where id = $1

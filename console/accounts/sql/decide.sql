update elevation set decided_by = $2, decided_at = now(), granted = $3
where id = $1

update officer set password = $2
where id = $1 and disabled_at is null and password = $3
returning id

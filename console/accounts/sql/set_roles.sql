update officer set roles = $2 where id = $1

select pg_notify('todoke', $1)

insert into officer (login, name, roles, created_by)
values ($1, $2, $3, $4)
on conflict (login) do nothing
returning id

insert into elevation (officer, kind, roles, proposed_by)
values ($1, $2, $3, $4)
returning id

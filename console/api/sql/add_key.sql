insert into api_key (name, key_hash, role, sends_drills)
values ($1, $2, $3, $4)
on conflict (name) do nothing
returning id

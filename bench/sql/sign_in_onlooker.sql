-- An officer $1, and a sign-in of theirs with both factors given, whose token has the hash $2.
with hired as (
    insert into officer (login, name, roles) values ($1, $1, '{viewer}')
    on conflict (login) do update set name = excluded.name
    returning id
)
insert into sign_in (officer, token_hash, factor_at) select id, $2, now() from hired

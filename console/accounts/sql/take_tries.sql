with wanted as (select * from unnest($1::bytea[], $2::integer[]) as each (whom, most)),
taken as (
    insert into sign_in_try (whom)
    select whom
    from wanted
    where not exists (
        select from wanted as other
        where (select count(*) from sign_in_try where sign_in_try.whom = other.whom) >= other.most
    )
    returning id
)
select exists (select from taken)

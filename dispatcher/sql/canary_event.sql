-- One event for all canaries of a channel with the same words.
with known as (
    select number from event where id = $1 and digest = $3
), made as (
    insert into event (id, version, document, digest)
    select $1, (select coalesce(max(version), 0) + 1 from event where id = $1), $2, $3
    where not exists (select from known)
    returning number
)
select number from known
union all
select number from made
limit 1

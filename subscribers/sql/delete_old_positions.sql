-- Nobody is matched by these any more, so nobody has to see them go. What another deletes or moves is left to them.
with old as (
    select subscriber
    from position
    where expires_at < now() - $1::interval
    for update skip locked
)
delete from position
using old
where position.subscriber = old.subscriber

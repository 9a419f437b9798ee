select id, began_at, seen_at
from sign_in
where officer = $1
    and ended_at is null
    and factor_at is not null
    and began_at > now() - interval '12 hours'
    and seen_at > now() - interval '30 minutes'
order by seen_at desc

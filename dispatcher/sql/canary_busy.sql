-- Whether warnings were being sent on channel $1 at any moment since $2.
select exists (
    select from dispatch d
    join batch b on b.dispatch = d.id
    where (d.state in ('planning', 'sending') or d.ended_at >= $2) and b.channel = $1 and b.priority < $3
      and (b.state || '' in ('due', 'claimed') or b.claimed_at >= $2)
)

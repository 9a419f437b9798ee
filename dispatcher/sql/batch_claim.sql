-- Claim up to $5 due batches of one lane for session $4. Nothing of a lower priority is claimed on a
-- channel while anything of a higher one is due or under way there.
with picked as (
    select b.dispatch, b.number, d.class, d.valid_until
    from batch b
    join dispatch d on d.id = b.dispatch
    where b.state = 'due'
      and b.channel = $1 and b.priority = $2 and b.lane = $3
      and b.due_at <= now()
      and d.state in ('planning', 'sending')
      and d.valid_until > now()
      and not exists (
          select from batch u
          join dispatch e on e.id = u.dispatch
          where (u.state = 'due' and u.due_at <= now() or u.state = 'claimed')
            and u.channel = $1 and u.priority < $2
            and e.state in ('planning', 'sending') and e.valid_until > now()
      )
    order by b.due_at
    limit $5
    for no key update of b skip locked
)
update batch b
set state = 'claimed', session = $4, attempt = b.attempt + 1, started = 0, claimed_at = now()
from picked
where b.dispatch = picked.dispatch and b.number = picked.number
returning b.dispatch, b.number, b.key, b.channel, b.lane, b.priority, b.messages, b.members, b.outcomes, b.proofs,
          b.attempt, b.tries, b.first_attempt_at, b.repeat_at, b.claimed_at, picked.class, picked.valid_until

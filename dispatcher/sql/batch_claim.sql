-- Claim up to $5 due batches of one lane for session $4. Nothing of a lower priority is claimed on a
-- channel while anything of a higher one is due or under way there.
--
-- Nothing is sorted: batch_due gives what was due first, and stops at $5. With an `order by` PostgreSQL may
-- prefer to fetch and sort all that is due, at every claim; with joins it may begin at the dispatches.
--
-- The advisory lock, of batches that would be taken only, keeps claims out of each other's rows: `skip locked` alone
-- waits when a row it meets has been claimed at that very moment and a third claim is looking at its new version.
with picked as (
    select b.dispatch, b.number, b.suspect
    from batch b
    where b.state = 'due'
      and b.channel = $1 and b.priority = $2 and b.lane = $3
      and b.due_at <= now()
      and case
          when (select d.state in ('planning', 'sending') and d.valid_until > now()
                       and not ($1 = any(d.stopped_channels))
                from dispatch d where d.id = b.dispatch)
          then pg_try_advisory_xact_lock(hashtext(b.dispatch), b.number)
      end
      and not exists (
          select from batch u
          where u.state = 'due' and u.channel = $1 and u.priority < $2 and u.due_at <= now()
            and (select e.state in ('planning', 'sending') and e.valid_until > now()
                        and not ($1 = any(e.stopped_channels))
                 from dispatch e where e.id = u.dispatch)
      )
      and not exists (
          select from batch u
          where u.state = 'claimed' and u.channel = $1 and u.priority < $2
            and (select e.state in ('planning', 'sending') and e.valid_until > now()
                 from dispatch e where e.id = u.dispatch)
      )
    limit $5
    for no key update of b skip locked
)
update batch b
set state = 'claimed', session = $4, attempt = b.attempt + 1, started = 0, claimed_at = now(),
    suspect = null
from picked
where b.dispatch = picked.dispatch and b.number = picked.number
returning b.dispatch, b.number, b.key, b.channel, b.lane, b.priority, b.messages, b.members, b.outcomes, b.proofs,
          b.repeated, b.counts_once, b.deaths, picked.suspect, b.attempt, b.tries, b.first_attempt_at, b.repeat_at, b.claimed_at,
          (select d.class from dispatch d where d.id = b.dispatch) as class,
          (select d.valid_until from dispatch d where d.id = b.dispatch) as valid_until

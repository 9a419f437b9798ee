-- A batch of a backup: nobody knows what was called since. A key is as old as the approval, for all that is known.
update batch b
set outcomes = $3, started = 0, state = 'due', session = null, suspect = null, due_at = now(), repeat_at = now(),
    first_attempt_at = coalesce(b.first_attempt_at, d.approved_at)
from dispatch d
where d.id = b.dispatch and b.dispatch = $1 and b.number = $2

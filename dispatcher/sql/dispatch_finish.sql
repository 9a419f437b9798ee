-- Dispatches of which nothing is left to send. When late entry writes batches at this very moment, this waits for its
-- row and then sees how many numbers were handed out, but not the batches: so there must be as many as that.
update dispatch d
set state = 'drained', ended_at = now()
where d.state = 'sending'
  and not exists (select from batch b where b.dispatch = d.id and b.state || '' in ('due', 'claimed'))
  and d.next_batch <= greatest(
      d.numbers_from, (select coalesce(max(b.number) + 1, 0) from batch b where b.dispatch = d.id)
  )
returning id

-- Whether anything waits for a worker.
select exists (select from dispatch where state = 'approved' and valid_until > now())
    or exists (
        select from batch b
        join dispatch d on d.id = b.dispatch
        where b.state = 'due' and b.due_at <= now() and d.state in ('planning', 'sending') and d.valid_until > now()
    )

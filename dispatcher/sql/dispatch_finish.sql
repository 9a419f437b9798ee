-- Dispatches of which nothing is left to send.
update dispatch d
set state = 'drained', ended_at = now()
where d.state = 'sending'
  and not exists (select from batch b where b.dispatch = d.id and b.state || '' in ('due', 'claimed'))
returning id

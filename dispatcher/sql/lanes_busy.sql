-- Where something is due now or under way: what is under way keeps lower priorities waiting too.
select b.channel, b.priority, b.lane, bool_or(b.state = 'due') as due
from batch b
join dispatch d on d.id = b.dispatch
where (b.state = 'due' and b.due_at <= now() or b.state = 'claimed')
  and d.state in ('planning', 'sending') and d.valid_until > now()
group by b.channel, b.priority, b.lane
order by b.priority

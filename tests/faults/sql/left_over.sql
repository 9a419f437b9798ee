select d.state, b.channel, b.number, b.state as batch, b.session, b.attempt, b.started, b.due_at, b.repeat_at
from dispatch d
left join batch b on b.dispatch = d.id and b.state <> 'done'
where d.id = $1
limit 20

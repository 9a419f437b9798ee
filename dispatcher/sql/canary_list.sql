select c.channel, c.proof, c.sent_at, c.deadline, c.came_back_at, c.missed_at, c.passed_over_at
from (select distinct channel from canary) known
cross join lateral (select * from canary where channel = known.channel order by sent_at desc limit 1) c
order by c.channel

-- Channels whose last canary that counts was missed; for as long as the next one may take to be judged, lest nothing be
-- said of canaries that were switched off.
select c.channel, c.proof, c.sent_at
from (select distinct channel from canary) known
cross join lateral (
    select * from canary
    where channel = known.channel and (came_back_at is not null or missed_at is not null)
    order by sent_at desc limit 1
) c
where c.came_back_at is null
  and now() < greatest(c.next_at, (select max(o.next_at) from canary o where o.channel = known.channel))
              + 2 * (c.deadline - c.sent_at) + interval '60 seconds'

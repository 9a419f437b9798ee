-- The last canary of each of the channels $1, if it is still waited for or was missed: it may come back late.
select c.dispatch, c.channel, c.proof, c.counted, c.deadline <= now() as overdue, c.missed_at is not null as missed,
       c.answered_at is not null as answered, c.sent_at, b.outcomes, b.proofs, b.first_attempt_at is not null as called
from unnest($1::text[]) wanted (channel)
cross join lateral (
    select * from canary where channel = wanted.channel order by sent_at desc limit 1
) c
join batch b on b.dispatch = c.dispatch and b.number = 0
where c.came_back_at is null and c.passed_over_at is null

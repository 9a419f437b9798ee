-- Calls that were refused, put off or not answered, by channel and what the provider said. An outcome stands for one
-- call, which may be for many; `\x03`, `\x04`, `\x14`, `\x1e`: retry, ambiguous, unknown, rejected.
select b.channel, get_byte(a.outcomes, call.number - 1) as outcome, call.code,
       sum(case when cardinality(a.codes) = 1 then coalesce(nullif(cardinality(a.positions), 0), b.size) else 1 end)::bigint
           as people
from attempt a
join batch b on b.dispatch = a.dispatch and b.number = a.batch
cross join lateral (
    select c.code, c.number::integer from unnest(a.codes) with ordinality as c (code, number)
    where c.number <= length(a.outcomes)
) call
where a.dispatch = $1
  and (position('\x03'::bytea in a.outcomes) > 0 or position('\x04'::bytea in a.outcomes) > 0
       or position('\x14'::bytea in a.outcomes) > 0 or position('\x1e'::bytea in a.outcomes) > 0)
  and get_byte(a.outcomes, call.number - 1) in (3, 4, 20, 30)
group by 1, 2, 3

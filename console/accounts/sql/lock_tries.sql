-- One after the other, in one order for everybody. The class keeps these locks apart from all others.
select pg_advisory_xact_lock(1953659249, ('x' || encode(substring(whom from 1 for 4), 'hex'))::bit(32)::integer)
from (select unnest($1::bytea[]) as whom order by 1) as each

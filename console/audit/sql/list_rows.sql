select seq, (extract(epoch from at) * 1000000)::bigint as at, actor, action, subject, details, hash
from audit
order by seq

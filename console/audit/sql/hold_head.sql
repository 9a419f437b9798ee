select seq, hash, floor(extract(epoch from clock_timestamp()) * 1000000)::bigint as at
from audit_head
for update

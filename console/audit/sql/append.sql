with head as (update audit_head set seq = $1, hash = $7)
insert into audit (seq, at, actor, action, subject, details, hash)
values ($1, timestamptz 'epoch' + $2::bigint * interval '1 microsecond', $3, $4, $5, $6, $7)

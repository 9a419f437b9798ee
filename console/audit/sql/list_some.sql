select audit.seq, audit.at, officer.name, officer.login, audit.action, audit.subject, audit.details
from audit
left join officer on officer.id = audit.actor
where audit.seq < $1
    and ($2 = '' or audit.action = $2 or starts_with(audit.action, $2 || '.'))
    and ($3 = '' or officer.login = $3)
    and ($4 = '' or audit.subject = $4)
    and audit.at >= coalesce($5, '-infinity'::timestamptz)
    and audit.at < coalesce($6, 'infinity'::timestamptz)
order by audit.seq desc
limit $7

select sign_in.id,
    sign_in.officer,
    officer.name,
    officer.roles,
    officer.language,
    sign_in.factor_at,
    sign_in.factor_at is not null as whole,
    coalesce(sign_in.factor_at > now() - interval '5 minutes', false) as fresh,
    sign_in.seen_at < now() - interval '1 minute' as stale
from sign_in
join officer on officer.id = sign_in.officer
where sign_in.token_hash = $1
    and sign_in.ended_at is null
    and officer.disabled_at is null
    and sign_in.began_at > now() - interval '12 hours'
    and sign_in.seen_at > now() - interval '30 minutes'
    and (sign_in.factor_at is not null or sign_in.began_at > now() - interval '5 minutes')

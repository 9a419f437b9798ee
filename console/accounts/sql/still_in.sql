-- Which of the sign-ins $1 hold, as find_sign_in has it; nobody uses them by this question.
select sign_in.id
from sign_in
join officer on officer.id = sign_in.officer
where sign_in.id = any($1::bigint[])
    and sign_in.factor_at is not null
    and sign_in.ended_at is null
    and officer.disabled_at is null
    and sign_in.began_at > now() - interval '12 hours'
    and sign_in.seen_at > now() - interval '30 minutes'

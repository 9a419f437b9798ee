select officer.id, officer.totp, officer.totp_step
from sign_in
join officer on officer.id = sign_in.officer
where sign_in.id = $1 and sign_in.ended_at is null and officer.disabled_at is null

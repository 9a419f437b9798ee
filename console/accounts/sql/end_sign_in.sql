update sign_in set ended_at = now(), ended_why = $3
where id = $1 and officer = $2 and ended_at is null
returning id

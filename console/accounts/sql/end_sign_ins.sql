update sign_in set ended_at = now(), ended_why = $2
where officer = $1 and ended_at is null and id is distinct from $3::bigint

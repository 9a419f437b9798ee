update sign_in
set tries = tries + 1,
    ended_at = case when tries + 1 >= $2 then now() end,
    ended_why = case when tries + 1 >= $2 then 'codes' end
where id = $1 and ended_at is null
returning officer, ended_at is not null as ended

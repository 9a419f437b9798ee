delete from sign_in_try
where whom = $1 or id in (select max(id) from sign_in_try where whom = any($2::bytea[]) group by whom)

insert into lane (name)
select * from unnest($1::text[])
returning name, number

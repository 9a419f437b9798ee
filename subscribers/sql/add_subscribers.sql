insert into subscriber (id, language, topics)
select * from unnest($1::text[], $2::text[], $3::bigint[])
returning id as name, number

-- Whom the holder is about to look at, where others died before; nobody where $5 is null. Only what is claimed has a session.
update batch
set suspect = case when $5::integer is not null then int4range($5::integer, $6::integer) end, deaths = $7
where dispatch = $1 and number = $2 and attempt = $3 and session = $4
returning number

insert into event (id, version, document, area, digest)
values ($1, (select coalesce(max(version), 0) + 1 from event where id = $1), $2, $3, $4)
returning number

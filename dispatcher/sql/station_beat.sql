-- That this server is there, and whether it has yet to merge what it sent without the database. A write: a database that
-- only answers is of no use.
insert into station (id, host, unmerged) values ($1, $2, $3)
on conflict (id) do update set beat = station.beat + 1, host = excluded.host, unmerged = excluded.unmerged, at = now()

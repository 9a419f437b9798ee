-- Other servers that may have sent without the database, by when they were last there.
select id, beat, unmerged from station where id <> $1 and at > now() - interval '1 day'

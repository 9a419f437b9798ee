-- The batches that dispatch $1 has by now.
select number, key from batch where dispatch = $1

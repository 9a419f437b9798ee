-- The table that the batches of a dispatch stand in.
select tableoid::regclass::text from batch where dispatch = $1 limit 1

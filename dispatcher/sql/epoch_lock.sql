-- Whoever decides whether this is a backup decides alone.
select from epoch for update

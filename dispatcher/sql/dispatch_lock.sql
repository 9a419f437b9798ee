-- Whoever adds batches holds the dispatch's row first.
select id from dispatch where id = $1 for no key update

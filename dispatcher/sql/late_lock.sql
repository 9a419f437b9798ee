-- Whoever approves something that refers to this dispatch waits for us, or we for them: then the next statement sees it.
select from dispatch where id = $1 for update

-- Which of the dispatches $1 must not be sent any further.
select id from dispatch
where id = any($1::text[]) and (state not in ('planning', 'sending') or valid_until <= now())

-- Past its time nothing more is sent; what is still under way is recorded by whoever holds it.
update dispatch set state = 'expired', ended_at = now()
where state in ('approved', 'planning', 'sending') and valid_until <= now()
returning id

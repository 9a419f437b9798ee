update dispatch set state = 'cancelled', stopped_by = $1, ended_at = clock_timestamp()
where state in ('approved', 'planning', 'sending')
returning id

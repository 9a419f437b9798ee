-- Dispatches that are not through, for whoever may have to go on without the database.
select d.id, d.class, d.mode, d.state, d.event, d.digest, d.priority, d.parent, d.approved_at, d.valid_until, d.requested_by, d.approved_by
from dispatch d
where d.state in ('approved', 'planning', 'sending', 'held')

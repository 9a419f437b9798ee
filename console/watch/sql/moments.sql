select created_at, requested_by, approved_by, approved_at, matched_at, planned_at, first_send_at, ended_at, state,
       stopped_by, audience, valid_until
from dispatch
where id = $1

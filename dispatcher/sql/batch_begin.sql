-- The intent to call, committed before any byte leaves: members before position $6 may have been called
-- from now on. Gives nothing when the batch is no longer ours or its dispatch was stopped.
-- $7 marks who is called for the second time because nobody answered for the first.
-- Only what is claimed has a session; `state` is not asked, lest all that is claimed be read for one batch.
update batch b
set outcomes = $5, started = $6, repeated = $7, first_attempt_at = coalesce(b.first_attempt_at, now())
from dispatch d
where b.dispatch = $1 and b.number = $2 and b.attempt = $3 and b.session = $4
  and d.id = b.dispatch and d.state in ('planning', 'sending') and d.valid_until > now()
  and not (b.channel = any(d.stopped_channels))
returning b.dispatch, b.number

-- What changed stands at one end of an index. Where nothing was analyzed yet, the planner would read the table whole.
select pg_current_snapshot()::text, set_config('enable_seqscan', $1, true)

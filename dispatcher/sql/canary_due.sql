-- Whether the channel's next canary is due $2 seconds after its last.
select not exists (select from duty where name = $1 and done_at > now() - $2 * interval '1 second')

-- Everybody who already stands in a batch of the dispatch.
select channel, members, outcomes from batch where dispatch = $1

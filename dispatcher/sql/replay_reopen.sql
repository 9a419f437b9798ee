-- It is sending again; the numbers of $2 batches are handed out, the first is what is returned.
update dispatch set state = 'sending', next_batch = next_batch + $2, ended_at = null where id = $1 returning next_batch - $2

-- Hand out $2 batch numbers; the first is what is returned.
update dispatch set next_batch = next_batch + $2 where id = $1 returning next_batch - $2

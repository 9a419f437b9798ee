insert into town_order_approval (order_id, hash, kind, officer, key, factor_at, counted, epoch, due_at, agreed, note)
select $1, $2, $3, $4, $5, $6, $7, e.number, clock_timestamp() + $8 * interval '1 second', $9, $10 from epoch e
returning id

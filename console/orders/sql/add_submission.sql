insert into town_order_submission (order_id, number, version, hash, event, area, people, figures, officer, key)
values ($1, (select coalesce(max(number), 0) + 1 from town_order_submission where order_id = $1),
        $2, $3, $4, $5, $6, $7, $8, $9)

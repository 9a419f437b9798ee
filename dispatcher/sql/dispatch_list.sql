select id from dispatch order by created_at desc limit $1

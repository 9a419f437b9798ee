select id from dispatch where id >= $1 and id < $2 and aged_at is null order by id

select id from town_order where state = 'counting' order by id

select name, number from lane order by number

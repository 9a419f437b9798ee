select name, number from topic order by number

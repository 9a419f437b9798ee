select event, digest from dispatch where id = $1

select number from subscriber where id = $1

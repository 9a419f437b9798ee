select digest from event where number = $1

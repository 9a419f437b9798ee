select area from event where number = $1

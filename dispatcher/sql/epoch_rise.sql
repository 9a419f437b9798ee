-- Somebody is at work. Only if nobody else said so since: then it rises as often however many are.
update epoch set counter = counter + 1 where number = $1 and counter = $2 returning counter

select batch, position, at, outcome, code, ref from receipt where dispatch = $1 order by at

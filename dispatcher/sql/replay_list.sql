select number, at, requested_by, approved_by, people, why from replay where dispatch = $1 order by number

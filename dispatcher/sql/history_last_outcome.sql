select greatest(
    (select max(at) from attempt where dispatch = $1),
    (select max(at) from receipt where dispatch = $1)
)

select add_year($1)

select drop_year($1)

truncate event cascade

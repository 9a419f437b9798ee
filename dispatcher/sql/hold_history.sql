-- Each time dispatch $1 was held.
select dispatch, reason, was, counted, found, at, released_by, released_at from hold where dispatch = $1 order by number

-- The number of an order that was given without the database; merged again, it is the same one.
insert into emergency_order (dispatch, station, host, ordered_by, ordered_at, stopped_by, stopped_at)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (dispatch, station, ordered_at) do update set stopped_by = excluded.stopped_by, stopped_at = excluded.stopped_at
returning number

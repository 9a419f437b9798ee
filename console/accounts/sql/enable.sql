-- Back with the least: what more there was has to be agreed to again.
update officer set disabled_at = null, roles = '{viewer}'
where id = $1 and disabled_at is not null
returning id

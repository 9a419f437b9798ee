-- Microseconds since 2000-01-01 UTC, as this server has it.
select (extract(epoch from clock_timestamp() - timestamptz '2000-01-01 00:00:00+00') * 1000000)::bigint

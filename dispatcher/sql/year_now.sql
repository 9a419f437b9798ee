-- The year it is, and the one it will be in two months. A year begins in April.
select extract(year from now() at time zone 'utc' - interval '3 months')::integer as now,
       extract(year from now() at time zone 'utc' - interval '1 month')::integer as soon

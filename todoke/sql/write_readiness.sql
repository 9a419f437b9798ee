-- Committed, or there is no room, or no way, to write.
insert into readiness (one) values (true) on conflict (one) do update set asked_at = now()

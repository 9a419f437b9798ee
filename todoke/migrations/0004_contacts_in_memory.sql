-- Workers hold contacts sealed in memory; there no bytes mean no contact, so one of no bytes must not be.
-- A version byte, a nonce of 12 and a tag of 16 stand around every address.

alter table contact add constraint contact_sealed check (octet_length(address) > 29);

-- Nothing searches in these by value, and PostgreSQL's statistics of arrays cost more than the batches themselves.
alter table batch alter column members set statistics 0;
alter table batch alter column places set statistics 0;
alter table batch alter column messages set statistics 0;
alter table batch alter column outcomes set statistics 0;
alter table batch alter column proofs set statistics 0;

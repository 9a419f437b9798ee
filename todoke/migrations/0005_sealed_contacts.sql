-- Workers hold contacts sealed in memory; there no bytes mean no contact, so one of no bytes must not be.
-- A version byte, a nonce of 12 and a tag of 16 stand around every address.

alter table contact add constraint contact_sealed check (octet_length(address) > 29);

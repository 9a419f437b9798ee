-- Calls of an attempt beside its record. Where no call was made there is nothing to tell: an entry without members
-- would be read as one call for everybody.
insert into attempt (dispatch, batch, attempt, part, session, positions, outcomes, codes, refs, millis)
select $1, $2, $3, $4, $5, $6::integer[], $7, $8::text[], $9::text[], $10::integer[]
where cardinality($8::text[]) > 0
on conflict do nothing

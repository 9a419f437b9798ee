-- Two arrays instead of a row each, and the numbers as text ('{1,2,3}'): at 500 people a batch, encoding and
-- decoding them one by one costs the client more than reading them costs the server.
select array_agg(subscriber), array_agg(address)
from contact
where subscriber = any($1::text::bigint[]) and kind = $2 and ($3 or left_at is null)

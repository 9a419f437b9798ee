-- What the database says of itself, and the server that it is read from.
select e.lineage::text, e.number, e.counter, e.system, e.timeline, e.files,
       now.system as system_now, now.timeline as timeline_now, now.files as files_now
from epoch e, server_identity() now

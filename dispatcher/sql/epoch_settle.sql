-- From now on this server is the one, as epoch $1 with counter $2.
update epoch e
set number = $1, counter = $2, system = now.system, timeline = now.timeline, files = now.files,
    began_at = case when e.number = $1 then e.began_at else clock_timestamp() end
from server_identity() now

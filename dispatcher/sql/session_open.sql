insert into worker_session (host, pid) values ($1, $2) returning number

select language, subject, body from message where dispatch = $1 and channel = $2

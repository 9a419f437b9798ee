select id, digest, mode from dispatch where request = $1

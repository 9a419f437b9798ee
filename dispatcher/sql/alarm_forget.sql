delete from alarm where ended_at < now() - $1 * interval '1 day' and tell_at is null

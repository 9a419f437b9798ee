insert into alarm (code, place, ja, en, patience) values ($1, $2, $3, $4, $5)
on conflict (code, place) where ended_at is null
do update set ja = excluded.ja, en = excluded.en, patience = excluded.patience, seen_at = now()

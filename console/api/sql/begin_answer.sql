-- Whoever asks the same at the same moment waits here for the first.
insert into api_answer (key, token, asked) values ($1, $2, $3) on conflict (key, token) do nothing returning token

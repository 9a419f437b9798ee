delete from api_answer where at < clock_timestamp() - make_interval(days => $1)

update api_answer set answer = $3 where key = $1 and token = $2

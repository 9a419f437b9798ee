select asked, answer from api_answer where key = $1 and token = $2

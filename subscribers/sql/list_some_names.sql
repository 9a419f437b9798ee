select
    array(select distinct language from subscriber where number = any($1)) as languages,
    array(select distinct kind from contact where subscriber = any($1)) as kinds

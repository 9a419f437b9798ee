select
    array(select distinct language from subscriber where left_at is null) as languages,
    array(select distinct kind from contact) as kinds

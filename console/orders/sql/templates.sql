select distinct on (language) language, version, subject, body, sms, officer, at
from text_template
where hazard = $1 and level = $2 and purpose = $3
order by language, version desc

insert into text_template (hazard, level, purpose, language, version, subject, body, sms, officer)
values ($1, $2, $3, $4,
        (select coalesce(max(version), 0) + 1 from text_template
         where hazard = $1 and level = $2 and purpose = $3 and language = $4), $5, $6, $7, $8)
returning version, at

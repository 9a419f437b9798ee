select id from dispatch d
where not exists (select from canary c where c.dispatch = d.id)
order by created_at desc
limit $1

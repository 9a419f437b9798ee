-- Whether anything live is under way, or about to leave: what every page's bar says.
select
    (select count(*) from dispatch where mode = 'live' and state in ('approved', 'planning', 'sending', 'held')) as live,
    (select count(*) from dispatch where mode = 'drill' and state in ('approved', 'planning', 'sending', 'held')) as drills,
    (select count(*) from town_order where mode = 'live' and state = 'counting') as counting

-- Whether every dispatch named from $1 to before $2 is over, and was approved before the year $3 began.
select not exists (
           select from dispatch
           where id >= $1 and id < $2
             and (state in ('approved', 'planning', 'sending', 'held') or created_at >= make_date($3, 4, 1))
       )
       and not exists (
           select from batch where dispatch >= $1 and dispatch < $2 and state || '' in ('due', 'claimed')
       )

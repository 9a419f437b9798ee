-- Gives the state the dispatch has; nothing when there is none, or when it does not use that channel. One that has ended
-- stays as it is; whoever comes into its area later gets nothing by this channel any more.
with known as (
    select d.id, d.state from dispatch d join event e on e.number = d.event
    where d.id = $1 and (e.document -> 'channels') ? $2
    for no key update of d
), noted as (
    insert into channel_stop (dispatch, channel, stopped_by)
    select id, $2, $3 from known
    on conflict do nothing
    returning dispatch
), stopped as (
    update dispatch set stopped_channels = stopped_channels || $2::text
    where id = (select dispatch from noted) and not ($2 = any(stopped_channels))
)
select state from known

-- Whom the dispatch told what: what to ask of each batch, and for which audience of an update it is.
select
    b.channel, b.members, b.outcomes, b.proofs, b.state, b.started,
    (select m.audience from message m where m.dispatch = b.dispatch and m.number = b.messages[1]) as audience
from batch b
where b.dispatch = $1

-- An update of an event with a new area says different things to three audiences: which of them a text is for.
-- Null: a text for everybody the dispatch concerns. A batch holds people of one audience only.
alter table message add column audience text check (audience in ('new', 'still', 'released'));

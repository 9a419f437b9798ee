drop table if exists floor;
create table floor (number bigint primary key, subscriber bigint not null, outcome smallint not null);
create index on floor (subscriber);

-- Which key the contacts are sealed with: derived from the key, and worthless for opening anything.

create table vault_check (
    id          boolean primary key default true check (id),
    check_value bytea not null
);

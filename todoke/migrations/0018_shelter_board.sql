-- Who said last what a shelter's status is, and when; nobody is named where it was said on the command line.

alter table shelter
    add column status_at timestamptz,
    add column status_by bigint references officer;

-- phase: before the new code
-- A dispatch holds its members itself, in their order: two rows and two index entries fewer a command. As soon as the last release is gone
-- (the next file says so): it would never drive such a dispatch.
alter table dispatch add column member_shards smallint[], add column member_keys bytea[];
alter table dispatch alter column member_keys set storage external;
alter table deployment add column members_in_dispatch boolean not null default false;

-- phase: before the new code
-- What a person says of a command may bear the id of what it has made. As soon as the last release is gone (the next file says so): it can't read such
-- a fact.
alter table deployment add column words_with_ids boolean not null default false;

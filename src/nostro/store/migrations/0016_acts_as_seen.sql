-- phase: before the new code
-- What a person says of money or of a case bears what he saw of it. As soon as the last release is gone (the next file says so): it can't read such a
-- fact.
alter table deployment add column acts_as_seen boolean not null default false;

-- phase: after the new code
-- From here on.
alter table deployment alter column acts_as_seen set default true;
update deployment set acts_as_seen = true;

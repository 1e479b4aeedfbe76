-- phase: after the new code
-- From here on.
alter table deployment alter column words_as_seen set default true;
update deployment set words_as_seen = true;

-- phase: after the new code
-- From here on.
alter table deployment alter column words_with_ids set default true;
update deployment set words_with_ids = true;

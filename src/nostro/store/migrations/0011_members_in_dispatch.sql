-- phase: after the new code
-- From here on. What the last release began keeps its members where they are, until it ends.
alter table deployment alter column members_in_dispatch set default true;
update deployment set members_in_dispatch = true;

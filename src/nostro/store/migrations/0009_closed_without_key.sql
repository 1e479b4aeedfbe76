-- phase: after the new code
-- A command closes once, since it is open once; and what failed is found by the id that it bears outside.
alter table command_closed drop constraint command_closed_pkey;

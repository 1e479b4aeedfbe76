-- phase: before the new code
-- What is to be driven again is taken by lanes. What the last release begins counts as standard.
alter table dispatch add column lane smallint not null default 1;
create index dispatch_due_by_lane on dispatch (connection, status, lane, run_at) where status in ('open', 'waiting');

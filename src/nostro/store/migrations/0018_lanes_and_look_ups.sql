-- phase: before the new code
-- What is to be driven again is taken by lanes. What the last release begins counts as standard.
alter table dispatch add column lane smallint not null default 1;
create index dispatch_due_by_lane on dispatch (connection, status, lane, run_at) where status in ('open', 'waiting');
-- Whether a subject asks something else still, is looked up where the time of a look-up is over.
create index parked_look_up_of on parked (shard, process, subject) where kind = 'lookup';

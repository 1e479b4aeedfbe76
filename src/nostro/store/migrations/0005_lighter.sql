-- phase: before the new code
-- Fewer index entries a step: those that go in the next file were written for every command or outcome, and hardly ever read.

-- Most commands work on their own subject alone, which has an order of its own already.
create index command_open_turns on command_open (order_shard, ordering_key) where ordering_key <> process || '/' || subject;

-- An outcome's cause is a fact of its own subject, and found among that subject's facts.
create index fact_told_by on fact (cause_shard, cause_position) where cause_shard is not null and type <> 'command.settled';
create index fact_read_from on fact (receipt) where receipt is not null and type <> 'command.settled';

-- A deadline that moves within its five minutes touches no index (HOT).
alter table deadline add column bucket timestamp not null
    generated always as (date_bin('5 minutes', due_at at time zone 'UTC', timestamp '2000-01-01')) stored;
create index deadline_bucket on deadline (shard, bucket);
alter table deadline set (fillfactor = 70);

-- What may be outside is found by the id that it bears there: one entry, when the command leaves.
create index command_open_outside on command_open (correlation) where status <> 'ready';

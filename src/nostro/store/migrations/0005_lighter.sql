-- phase: before the new code
-- Fewer index entries a step: each of these was written for every command or outcome, and hardly ever read.

-- The open ones are few: who asks for one by the id that went outside has them looked through.
drop index command_open_correlation;

-- Most commands work on their own subject alone, which has an order of its own already: their key is empty.
drop index command_open_order;
create index command_open_order on command_open (order_shard, ordering_key) where ordering_key <> '';

-- An outcome's cause is a fact of its own subject, and found among that subject's facts.
drop index fact_cause;
create index fact_cause on fact (cause_shard, cause_position) where cause_shard is not null and type <> 'command.settled';
drop index fact_receipt;
create index fact_receipt on fact (receipt) where receipt is not null and type <> 'command.settled';

-- A deadline that moves within its five minutes touches no index (HOT).
alter table deadline add column bucket timestamp not null
    generated always as (date_bin('5 minutes', due_at at time zone 'UTC', timestamp '2000-01-01')) stored;
create index deadline_bucket on deadline (shard, bucket);
drop index deadline_due;
alter table deadline set (fillfactor = 70);

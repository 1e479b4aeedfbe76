-- phase: before the new code
-- How many emitted facts led to this arrival: a circle of subjects that tell each other for ever is bounded by it.
alter table arrival add column hops smallint not null default 0;

-- name: roots
-- The facts that chains of causes began with. Asked only while spans are exported.
with recursive up as (
  select a.shard as asked_shard, a.position as asked_position, f.type, f.natural_key, f.process, f.subject, f.receipt, f.cause_shard,
    f.cause_position
  from unnest(%(shards)s::smallint[], %(positions)s::bigint[]) as a (shard, position)
  join fact f on f.shard = a.shard and f.position = a.position
  union all
  select u.asked_shard, u.asked_position, f.type, f.natural_key, f.process, f.subject, f.receipt, f.cause_shard, f.cause_position
  from up u join fact f on f.shard = u.cause_shard and f.position = u.cause_position)
select asked_shard, asked_position, type, natural_key, process, subject, receipt from up where cause_shard is null;

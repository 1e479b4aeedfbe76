-- name: facts
-- The last facts of instances that are over, seven an instance.
with named as (
  select n, name, (get_byte(sha256(convert_to(name, 'UTF8')), 7) & 63)::smallint as shard
  from generate_series(%(first)s::bigint, %(last)s::bigint) n, lateral (select 'old_' || lpad((n / 7)::text, 9, '0') as name) as made)
insert into fact (shard, position, month, process, version, subject, revision, entity, type, type_version, natural_key, origin, receipt, item,
  cause_shard, cause_position, body, state_before, state_after, rule, decided, bundle, actor, on_behalf_of, reason, occurred_at, received_at,
  decided_at, sender_order, leaf)
select shard, 1000000000 + n, date_trunc('month', %(at)s::timestamptz)::date, 'payout', 1, name, 1 + mod(n, 7), 'DE', 'command.settled', 1,
  name || '/' || n, 'partner', decode(md5((n / 100)::text), 'hex'), 0, shard, 1000000000 + n - 1,
  convert_to('{"key":"payout/' || name || '/annotate-1/0/0","outcome":{"ids":{"effect":"' || n || '"}}}', 'UTF8'), 'step1', 'step2',
  'the next step', sha256(convert_to(n::text, 'UTF8')), %(bundle)s, 'partner', '', '', %(at)s, %(at)s, %(at)s, '',
  sha256(convert_to(name, 'UTF8'))
from named;

-- name: waiting
-- Instances that wait for the reply to their first command, until `due_at`.
with named as (
  select n, name, (get_byte(sha256(convert_to(name, 'UTF8')), 7) & 63)::smallint as shard
  from generate_series(%(first)s::bigint, %(last)s::bigint) n, lateral (select 'wait_' || lpad(n::text, 9, '0') as name) as made),
kept as (
  insert into subject (shard, process, subject, entity, version, revision, state, lane, body, absorbed, deadline_revision, position)
  select shard, 'payout', name, 'DE', 1, 1, 'step1', case when mod(n, 100) = 0 then 0 else 1 end, '{"done":0}'::bytea, '{}'::bytea, 1, 0
  from named),
awaited as (
  insert into deadline (shard, process, subject, name, due_at, revision)
  select shard, 'payout', name, 'reply', %(due_at)s, 1 from named)
insert into command_open (shard, key, key_text, correlation, process, subject, step, occurrence, generation, entity, connection, operation, lane,
  status, run_at, ordering_key, order_shard, position, n, body, bundle, actor, since)
select shard, substr(sha256(int8send(octet_length(key)) || convert_to(key, 'UTF8')), 1, 16), key, 'NOS' || n, 'payout', name, 'annotate-1', 0, 0,
  'DE', 'partner', 'annotate_payment', 1, 'dispatched', %(at)s, 'payout/' || name, shard, 0, 0, '{}'::bytea, %(bundle)s, 'engine', %(at)s
from named, lateral (select 'payout/' || name || '/annotate-1/0/0' as key) as keyed;

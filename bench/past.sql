-- name: indexes
-- A table's primary key and indexes: how each is dropped, and how it is made again (of a partitioned table with all its partitions').
select i.relname as name,
  case when c.oid is null then format('drop index %%I', i.relname) else format('alter table %%I drop constraint %%I', t.relname, c.conname) end as drop,
  case when c.oid is null then replace(pg_get_indexdef(i.oid), ' ON ONLY ', ' ON ')
    else format('alter table %%I add constraint %%I %%s', t.relname, c.conname, pg_get_constraintdef(c.oid)) end as create
from pg_index x join pg_class i on i.oid = x.indexrelid join pg_class t on t.oid = x.indrelid left join pg_constraint c on c.conindid = i.oid
where t.relname = %(t)s and t.relnamespace = 'public'::regnamespace
order by c.oid is null, i.relname;

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
  convert_to('{"key":"payout/' || name || '/annotate-1/0/0","outcome":{"ids":{"effect":"' || n || '"},"kind":"done"}}', 'UTF8'), 'step1', 'step2',
  'the next step', sha256(convert_to(n::text, 'UTF8')), %(bundle)s, 'partner', '', '', %(at)s, %(at)s, %(at)s, '',
  sha256(convert_to(name, 'UTF8'))
from named;

-- name: keys
-- What was told and what was wanted: a key a fact, and a key a command.
insert into seen (shard, key, content, receipt, day)
select (get_byte(digest, 7) & 63)::smallint, substr(digest, 1, 16), substr(digest, 16, 16), decode(md5((n / 100)::text), 'hex'), %(at)s::date
from generate_series(2 * %(first)s::bigint, 2 * %(last)s::bigint + 1) n, lateral (select sha256(convert_to('key ' || n, 'UTF8')) as digest) as made;

-- name: commands
-- The closed commands of instances that are over: one before each fact but the first.
with named as (
  select n, name, (get_byte(sha256(convert_to(name, 'UTF8')), 7) & 63)::smallint as shard
  from generate_series(%(first)s::bigint, %(last)s::bigint) n, lateral (select 'old_' || lpad((n / 7)::text, 9, '0') as name) as made
  where mod(n, 7) > 0)
insert into command_closed (shard, key, month, key_text, correlation, process, subject, step, entity, connection, operation, outcome, ids, body,
  position, since, closed_at)
select shard, substr(sha256(convert_to(name || n, 'UTF8')), 1, 16), date_trunc('month', %(at)s::timestamptz)::date,
  'payout/' || name || '/annotate-' || mod(n, 7) || '/0/0', 'NOS' || upper(substr(md5(n::text), 1, 16)), 'payout', name, 'annotate-' || mod(n, 7),
  'DE', 'partner', 'annotate_payment', 'done', convert_to('{"effect":"' || n || '"}', 'UTF8'), '{}'::bytea, 1000000000 + n, %(at)s, %(at)s
from named;

-- name: subjects
-- Instances that are over.
insert into subject (shard, process, subject, entity, version, revision, state, lane, body, absorbed, position)
select (get_byte(sha256(convert_to(name, 'UTF8')), 7) & 63)::smallint, 'payout', name, 'DE', 1, 7, 'over', 1, '{"done":6}'::bytea, '{}'::bytea,
  1000000000 + 7 * n
from generate_series(%(from)s::bigint, %(to)s::bigint) n, lateral (select 'old_' || lpad(n::text, 9, '0') as name) as made;

-- name: references
-- What led to them.
insert into reference (shard, kind, digest, process, subject, subject_shard, claim, by, since)
select (get_byte(digest, 7) & 63)::smallint, 'psp', substr(digest, 1, 16), 'payout', name,
  (get_byte(sha256(convert_to(name, 'UTF8')), 7) & 63)::smallint, true, substr(digest, 16, 16), %(at)s
from generate_series(%(from)s::bigint, %(to)s::bigint) n, lateral (select 'old_' || lpad(n::text, 9, '0') as name) as made,
  lateral (select sha256(convert_to('psp ' || name, 'UTF8')) as digest) as referred;

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

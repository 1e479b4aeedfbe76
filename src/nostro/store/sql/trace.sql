-- name: subjects_by_reference
-- Where references lead, by digest.
select distinct r.process, r.subject from reference r
join unnest(%(shards)s::smallint[], %(kinds)s::text[], %(digests)s::bytea[]) as asked (shard, kind, digest)
  on r.shard = asked.shard and r.kind = asked.kind and r.digest = asked.digest
order by r.process, r.subject limit %(limit)s;

-- name: subjects_by_id
-- Subjects with this very id, or ending in it, or written as process/id.
select process, subject from subject
where reverse(subject) = reverse(%(text)s::text) or starts_with(reverse(subject), reverse('/' || %(text)s::text))
  or reverse(subject) = reverse(substr(%(text)s::text, strpos(%(text)s::text, '/') + 1)) and process = split_part(%(text)s::text, '/', 1)
order by process, subject limit %(limit)s;

-- name: subjects_by_party
-- Subjects with facts that are sealed under a living key of a person.
select distinct f.process, f.subject from data_key d join fact f on f.data_key = d.id
where d.party = any(%(parties)s::bytea[]) and d.destroyed_at is null order by f.process, f.subject limit %(limit)s;

-- name: subjects_by_correlation
-- The subject of a command, by the id that it bears outside. Those that are ready stand in the queue's index, which a limit keeps short.
select process, subject from command_open where correlation = %(text)s and status <> 'ready'
union select process, subject from command_open where correlation = %(text)s and status = 'ready'
union select process, subject from command_closed where correlation = %(text)s order by 1, 2;

-- name: subjects_by_case
-- The subject of a case.
select process, subject from exception_case where id = %(text)s;

-- name: subjects_by_receipt
-- Whom the facts of receipts concern.
select distinct process, subject from fact where receipt = any(%(receipts)s::bytea[]) order by process, subject limit %(limit)s;

-- name: facts_of_subjects
-- All that was decided about subjects.
select f.shard, f.position, f.process, f.subject, f.type, f.origin, encode(f.receipt, 'hex') as receipt, f.item, f.cause_shard,
  f.cause_position, f.entity, f.body, f.sealed_body is not null as sealed, f.state_before, f.state_after, f.rule, encode(f.bundle, 'hex') as bundle,
  f.actor, f.on_behalf_of, f.reason, f.occurred_at, f.received_at, f.decided_at
from fact f join unnest(%(shards)s::smallint[], %(processes)s::text[], %(subjects)s::text[]) as asked (shard, process, subject)
  on f.shard = asked.shard and f.process = asked.process and f.subject = asked.subject
order by f.decided_at, f.shard, f.position limit %(limit)s;

-- name: facts_around
-- What led to facts, and what they led to: the causes above and the effects below, without the siblings. Outcomes are
-- found among the facts of their subject.
with recursive
above as (
  select f.* from fact f join unnest(%(shards)s::smallint[], %(positions)s::bigint[]) as s (shard, position)
    on f.shard = s.shard and f.position = s.position
  union
  select c.* from fact c join above a on c.shard = a.cause_shard and c.position = a.cause_position),
below as (
  select f.* from fact f join unnest(%(shards)s::smallint[], %(positions)s::bigint[]) as s (shard, position)
    on f.shard = s.shard and f.position = s.position
  union
  select e.* from below b cross join lateral (
    select c.* from fact c where c.cause_shard = b.shard and c.cause_position = b.position and c.type <> 'command.settled'
    union all
    select o.* from fact o where o.shard = b.shard and o.process = b.process and o.subject = b.subject and o.type = 'command.settled'
      and o.cause_shard = b.shard and o.cause_position = b.position) e)
select f.shard, f.position, f.process, f.subject, f.type, f.origin, encode(f.receipt, 'hex') as receipt, f.item, f.cause_shard,
  f.cause_position, f.entity, f.body, f.sealed_body is not null as sealed, f.state_before, f.state_after, f.rule, encode(f.bundle, 'hex') as bundle,
  f.actor, f.on_behalf_of, f.reason, f.occurred_at, f.received_at, f.decided_at
from (select * from above union select * from below) f order by f.decided_at, f.shard, f.position limit %(limit)s;

-- name: commands_of
-- What was wanted outside for a subject, and how it ended. `position`: of the fact that asked for it.
select process, subject, key_text, correlation, connection, operation, status as outcome, note, since, null::timestamptz as closed_at,
  null::bytea as ids, dispatch, shard, position
from command_open where shard = %(shard)s and process = %(process)s and subject = %(subject)s
union all
select process, subject, key_text, correlation, connection, operation, outcome, '' as note, since, closed_at, ids, dispatch, shard, position
from command_closed where shard = %(shard)s and process = %(process)s and subject = %(subject)s
order by since, key_text;

-- name: calls_of
-- The journal of the dialogues that commands were in: of the newest one, and of those that a person's word ended. A dialogue is on the shard of
-- whichever of its commands was the first.
with asked as (
  select * from unnest(%(key_texts)s::text[], %(command_shards)s::smallint[], %(keys)s::bytea[], %(dispatches)s::bytea[], %(since)s::timestamptz[])
    as k (key_text, shard, key, dispatch, since)),
mine as (
  select key_text, dispatch, since from asked where dispatch is not null
  union select k.key_text, m.dispatch, k.since from asked k join dispatch_member m on m.command_shard = k.shard and m.command_key = k.key)
select mine.key_text, a.dispatch, a.n, encode(a.call_digest, 'hex') as digest, a.started_at, r.received_at as answered_at,
  coalesce(r.name, '') as target, r.status, case when d.status = 'waiting' then d.run_at end as until
from mine
join attempt_call a on a.dispatch = mine.dispatch and a.shard = any(%(every)s::smallint[]) and a.month >= date_trunc('month', mine.since)::date
left join receipt r on r.id = a.reply_receipt and r.month = a.reply_month and r.shard = any(%(every)s::smallint[])
left join dispatch d on d.shard = a.shard and d.id = a.dispatch
order by a.started_at, mine.key_text, a.n;

-- name: cases_of
-- A subject's cases. `position`: of the fact that opened it.
select id, reason, sentence, opened_at, closed_at, closed_by, shard, position from exception_case
where shard = %(shard)s and process = %(process)s and subject = %(subject)s order by opened_at, id;

-- name: open_cases
-- What waits for a person, the oldest first; what was closed comes behind it.
select id, process, subject, entity, reason, sentence, currency, minor, candidates, opened_at, closed_at, closed_by from exception_case
where (%(closed)s or closed_at is null) and (%(entity)s = '' or entity = %(entity)s)
order by closed_at is not null, opened_at, id limit %(limit)s;

-- name: case_by_id
-- One case, open or closed.
select id, process, subject, entity, reason, sentence, currency, minor, candidates, opened_at, closed_at, closed_by from exception_case
where id = %(id)s;

-- name: standings
-- Where subjects stand, and what the ERP told last of those that are open items.
select s.process, s.subject, s.entity, s.version, s.state, s.body, t.body as told
from unnest(%(shards)s::smallint[], %(processes)s::text[], %(subjects)s::text[]) as asked (shard, process, subject)
join subject s on s.shard = asked.shard and s.process = asked.process and s.subject = asked.subject
left join lateral (
  select f.body from fact f where f.shard = s.shard and f.process = s.process and f.subject = s.subject and f.type = 'invoice.posted'
    and f.rule <> %(stale)s order by f.position desc limit 1) t on true
order by s.process, s.subject;

-- name: told_to
-- What was told to subjects by facts of some types.
select f.process, f.subject, f.body
from unnest(%(shards)s::smallint[], %(processes)s::text[], %(subjects)s::text[]) as asked (shard, process, subject)
join fact f on f.shard = asked.shard and f.process = asked.process and f.subject = asked.subject
where f.type = any(%(types)s::text[]) order by f.shard, f.position limit %(limit)s;

-- name: sealed_about
-- The confidential fields that were told last about subjects, by type of fact.
select distinct on (f.process, f.subject, f.type) f.process, f.subject, f.type, f.natural_key, f.sealed_body, f.data_key
from unnest(%(shards)s::smallint[], %(processes)s::text[], %(subjects)s::text[]) as asked (shard, process, subject)
join fact f on f.shard = asked.shard and f.process = asked.process and f.subject = asked.subject
where f.sealed_body is not null order by f.process, f.subject, f.type, f.position desc limit %(limit)s;

-- name: open_intents
-- What is asked for subjects and has not ended.
select c.process, c.subject, c.body
from unnest(%(shards)s::smallint[], %(processes)s::text[], %(subjects)s::text[]) as asked (shard, process, subject)
join command_open c on c.shard = asked.shard and c.process = asked.process and c.subject = asked.subject
order by c.shard, c.position, c.n limit %(limit)s;

-- name: waiting_commands
-- Commands that wait for a person, with what their subjects know.
select c.key_text, c.correlation, c.entity, c.connection, c.operation, c.status, c.note, c.since, c.process, c.subject,
  c.body, s.version, s.body as state
from command_open c left join subject s on s.shard = c.shard and s.process = c.process and s.subject = c.subject
where c.status in ('would_do', 'proposed', 'handed_over') and (%(entity)s = '' or c.entity = %(entity)s)
  and (%(process)s = '' or c.process = %(process)s and c.subject = %(subject)s)
order by c.since, c.key_text limit %(limit)s;

-- name: state_counts
-- How many subjects of each process stand in which state.
select process, state, count(*) as count from subject group by process, state order by process, state;

-- name: balances
-- The transit ledger's balances: what entered an account less what left it.
select account, currency, sum(minor)::numeric as minor from (
  select debit as account, currency, minor from posting union all select credit, currency, -minor from posting) moved
group by account, currency having sum(minor) <> 0 order by account, currency;

-- name: transit_parts
-- What an account's balance consists of, by subject.
select process, subject, currency, sum(minor)::numeric as minor, max(position) as position from (
  select process, subject, currency, minor, position from posting where debit = %(account)s
  union all select process, subject, currency, -minor, position from posting where credit = %(account)s) moved
group by process, subject, currency having sum(minor) <> 0 order by currency, process, subject limit %(limit)s;

-- name: bundles_named
-- Published bundles whose digest begins so.
select digest, content from bundle where encode(digest, 'hex') like %(prefix)s || '%%' order by digest limit 20;

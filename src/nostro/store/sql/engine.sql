-- `= any(array[x])`, here and there, says no more than `= x`, and only to an index: where a queue was found empty, a plan would else compare each row
-- of a batch with each that waits, and be kept for when the queue is full.

-- name: see_worker
-- A worker says that it lives.
insert into worker (id, started_at, seen_at, versions) values (%(id)s, %(now)s, %(now)s, %(versions)s)
on conflict (id) do update set seen_at = excluded.seen_at, versions = excluded.versions;

-- name: count_workers
-- How many live: who gives an act is told when nobody does. One that was seen far ahead was seen before the clock was set back.
select count(*) as count from worker where seen_at > %(alive_after)s and seen_at <= %(beyond)s;

-- name: live_workers
-- Who lives, with the versions that it has and the shards that it refuses.
select id, versions from worker where seen_at > %(alive_after)s and seen_at <= %(beyond)s order by id;

-- name: versions_needed
-- Which versions of processes have instances. Read once, when a worker starts.
select process, version, count(*) as count from subject group by process, version order by process, version;

-- name: forget_workers
-- Those long gone.
delete from worker where seen_at < %(before)s;

-- name: forget_worker
-- It ends, and has given back what it held: the others needn't wait until it counts as dead to share that out.
delete from worker where id = %(id)s;

-- name: free_shards
-- Whether some shard has no holder. A lease that ends farther ahead than any can was given before the clock was set back.
select 1 as one from shard where (until <= %(now)s or until > %(beyond)s) and shard <> all(%(refused)s::smallint[]) limit 1;

-- name: renew_shards
-- Holds on to shards, also on those that are given back behind it; those that somebody else took meanwhile are missing from the answer. Locked in
-- their order, as `append` does it: the worker renews while it decides, and else the two would stand in each other's way for a second.
with mine as materialized (
  select s.shard from shard s join unnest(%(shards)s::smallint[], %(tokens)s::bigint[]) as m (shard, token) on s.shard = m.shard and s.token = m.token
  where s.holder = %(holder)s order by s.shard for update of s)
update shard s set until = %(until)s from mine where s.shard = mine.shard
returning s.shard;

-- name: take_shards
-- Takes shards that nobody holds, in the order in which they are asked for. The token fences whoever held them before.
-- Materialised: a plan may run a subquery once a row, and each run would lock as many rows as the limit allows.
with free as materialized (select f.shard from shard f join unnest(%(among)s::smallint[]) with ordinality as wanted (shard, place) on f.shard = wanted.shard
  where (f.until <= %(now)s or f.until > %(beyond)s) order by wanted.place limit %(limit)s for update of f skip locked)
update shard s set token = s.token + 1, holder = %(holder)s, until = %(until)s from free where s.shard = free.shard
returning s.shard, s.token, s.position, s.head, s.bundle, s.activations;

-- name: release_shards
-- Gives shards back at once. In the order of `renew_shards`.
with mine as materialized (
  select s.shard from shard s join unnest(%(shards)s::smallint[], %(tokens)s::bigint[]) as m (shard, token) on s.shard = m.shard and s.token = m.token
  order by s.shard for update of s)
update shard s set holder = '', until = %(now)s from mine where s.shard = mine.shard;

-- name: queue
-- The oldest arrivals of each lane on the shards that are held, at most so many of each, and of each shard: a backlog is not read to be sorted.
select a.* from unnest(%(lanes)s::smallint[], %(limits)s::integer[]) as each (lane, most)
cross join lateral (
  select o.* from unnest(%(shards)s::smallint[]) as mine (shard) cross join lateral (
    select shard, lane, at, item, key, process, subject, entity, type, type_version, natural_key, origin, receipt, cause_shard, cause_position,
      body, sealed_body, data_key, actor, on_behalf_of, reason, occurred_at, received_at, sender_order, hops
    from arrival where arrival.lane = each.lane and arrival.shard = mine.shard
    order by at, item, key limit %(per_shard)s) o
  order by at, item, key limit each.most) a
order by a.lane, a.at, a.item, a.key;

-- name: subjects
-- The state rows of a batch, locked: an erasure that rebuilds them waits for the batch.
select s.shard, s.process, s.subject, s.entity, s.version, s.revision, s.state, s.lane, s.body, s.sealed_body, s.data_key, s.absorbed,
  s.deadline_revision, s.position, s.poisoned
from subject s join unnest(%(shards)s::smallint[], %(processes)s::text[], %(subjects)s::text[]) as asked (shard, process, subject)
  on s.shard = asked.shard and s.process = asked.process and s.subject = asked.subject
for update of s;

-- name: history
-- All facts of a subject, in order.
select shard, position, month, process, version, subject, revision, entity, type, type_version, natural_key, origin, receipt, item, cause_shard,
  cause_position, body, sealed_body, data_key, state_before, state_after, rule, decided, bundle, actor, on_behalf_of, reason, occurred_at,
  received_at, decided_at, sender_order, leaf
from fact where shard = %(shard)s and process = %(process)s and subject = %(subject)s order by position;

-- name: rewrite_state
-- A state that was rebuilt from the log.
update subject set body = %(body)s, sealed_body = %(sealed)s, data_key = %(data_key)s
where shard = %(shard)s and process = %(process)s and subject = %(subject)s;

-- name: append
-- Arrivals leave the queue and stand in the log, in one: fence, order and seal fail to match where the token or the position is no longer ours, and
-- then nothing is appended. What an arrival told isn't sent again; one without a position makes no fact. It divides by zero when a shard
-- is somebody else's by now, or an arrival was decided meanwhile.
with mine as materialized (select shard from shard where shard = any(%(moved)s::smallint[]) order by shard for update),
fenced as (
  update shard s set position = a.position, head = a.head, bundle = a.bundle, activations = a.activations
  from mine join unnest(%(moved)s::smallint[], %(tokens)s::bigint[], %(expected)s::bigint[], %(reached)s::bigint[], %(heads)s::bytea[],
    %(in_force)s::bytea[], %(activations)s::integer[]) as a (shard, token, expected, position, head, bundle, activations) using (shard)
  where s.shard = a.shard and s.token = a.token and s.position = a.expected
  returning s.shard),
decided as (
  delete from arrival a
  using unnest(%(shards)s::smallint[], %(lanes)s::smallint[], %(ats)s::timestamptz[], %(items)s::integer[], %(keys)s::bytea[],
    %(positions)s::bigint[], %(versions)s::smallint[], %(revisions)s::integer[], %(states_before)s::text[], %(states_after)s::text[],
    %(rules)s::text[], %(digests)s::bytea[], %(bundles)s::bytea[], %(leaves)s::bytea[])
    as d (shard, lane, at, item, key, position, version, revision, state_before, state_after, rule, decided, bundle, leaf)
  where a.shard = any(array[d.shard]) and a.lane = d.lane and a.at = d.at and a.item = d.item and a.key = d.key
  returning a.shard, d.position, a.process, d.version, a.subject, d.revision, a.entity, a.type, a.type_version, a.natural_key, a.origin, a.receipt,
    a.item, a.cause_shard, a.cause_position, a.body, a.sealed_body, a.data_key, d.state_before, d.state_after, d.rule, d.decided, d.bundle, a.actor,
    a.on_behalf_of, a.reason, a.occurred_at, a.received_at, a.sender_order, d.leaf),
logged as (
  insert into fact (shard, position, month, process, version, subject, revision, entity, type, type_version, natural_key, origin, receipt, item,
    cause_shard, cause_position, body, sealed_body, data_key, state_before, state_after, rule, decided, bundle, actor, on_behalf_of, reason,
    occurred_at, received_at, decided_at, sender_order, leaf)
  select shard, position, %(month)s, process, version, subject, revision, entity, type, type_version, natural_key, origin, receipt, item, cause_shard,
    cause_position, body, sealed_body, data_key, state_before, state_after, rule, decided, bundle, actor, on_behalf_of, reason, occurred_at,
    received_at, %(decided_at)s, sender_order, leaf
  from decided where position is not null and (select count(*) from fenced) = cardinality(%(moved)s::smallint[]) order by shard, position)
select 1 / case when (select count(*) from fenced) = cardinality(%(moved)s::smallint[])
  and (select count(*) from decided) = cardinality(%(shards)s::smallint[]) then 1 else 0 end as one;

-- name: log
-- Facts that were told with the ends of their dispatches, and never were on the queue: behind `append`, which has the fence. Parameters are named as
-- the columns.
insert into fact (shard, position, month, process, version, subject, revision, entity, type, type_version, natural_key, origin, receipt, item,
  cause_shard, cause_position, body, sealed_body, data_key, state_before, state_after, rule, decided, bundle, actor, on_behalf_of, reason,
  occurred_at, received_at, decided_at, sender_order, leaf)
select * from unnest(%(shard)s::smallint[], %(position)s::bigint[], %(month)s::date[], %(process)s::text[], %(version)s::smallint[],
  %(subject)s::text[], %(revision)s::integer[], %(entity)s::text[], %(type)s::text[], %(type_version)s::smallint[], %(natural_key)s::text[],
  %(origin)s::text[], %(receipt)s::bytea[], %(item)s::integer[], %(cause_shard)s::smallint[], %(cause_position)s::bigint[], %(body)s::bytea[],
  %(sealed_body)s::bytea[], %(data_key)s::bytea[], %(state_before)s::text[], %(state_after)s::text[], %(rule)s::text[], %(decided)s::bytea[],
  %(bundle)s::bytea[], %(actor)s::text[], %(on_behalf_of)s::text[], %(reason)s::text[], %(occurred_at)s::timestamptz[],
  %(received_at)s::timestamptz[], %(decided_at)s::timestamptz[], %(sender_order)s::text[], %(leaf)s::bytea[]);

-- name: save_subjects
-- State rows with what was decided. It divides by zero when one of them has come as far already. Only that of a subject which is set aside, or taken up
-- again, is written as it is given: that may make no fact.
with saved as (insert into subject (shard, process, subject, entity, version, revision, state, lane, body, sealed_body, data_key, absorbed, deadline_revision,
  position, poisoned)
select shard, process, subject, entity, version, revision, state, lane, body, sealed_body, data_key, absorbed, deadline_revision, position, poisoned
from unnest(%(shards)s::smallint[], %(processes)s::text[], %(subjects)s::text[], %(entities)s::text[], %(versions)s::smallint[],
  %(revisions)s::integer[], %(states)s::text[], %(lanes)s::smallint[], %(bodies)s::bytea[], %(sealed)s::bytea[], %(data_keys)s::bytea[],
  %(absorbed)s::bytea[], %(deadline_revisions)s::integer[], %(positions)s::bigint[], %(poisoned)s::text[])
  as n (shard, process, subject, entity, version, revision, state, lane, body, sealed_body, data_key, absorbed, deadline_revision, position,
    poisoned)
on conflict (shard, process, subject) do update set version = excluded.version, revision = excluded.revision, state = excluded.state,
  body = excluded.body, sealed_body = excluded.sealed_body, data_key = excluded.data_key, absorbed = excluded.absorbed,
  deadline_revision = excluded.deadline_revision, position = excluded.position, poisoned = excluded.poisoned
where subject.revision < excluded.revision or subject.poisoned <> excluded.poisoned
returning shard)
select 1 / case when count(*) = cardinality(%(shards)s::smallint[]) then 1 else 0 end as one from saved;

-- name: set_deadlines
-- Deadlines of waiting states; a subject has at most one.
insert into deadline (shard, process, subject, name, due_at, revision)
select * from unnest(%(shards)s::smallint[], %(processes)s::text[], %(subjects)s::text[], %(names)s::text[], %(dues)s::timestamptz[],
  %(revisions)s::integer[])
on conflict (shard, process, subject) do update set name = excluded.name, due_at = excluded.due_at, revision = excluded.revision;

-- name: drop_deadlines
-- Nothing is awaited any more.
delete from deadline d using unnest(%(shards)s::smallint[], %(processes)s::text[], %(subjects)s::text[]) as g (shard, process, subject)
where d.shard = any(array[g.shard]) and d.process = g.process and d.subject = g.subject;

-- name: fall_due
-- Deadlines that have passed, on the shards that are held; each falls due once.
-- Materialised: a plan may run a subquery once a row, and each run would lock as many rows as the limit allows.
with due as materialized (
  select x.shard, x.process, x.subject, s.entity, s.lane from deadline x
  join subject s on s.shard = x.shard and s.process = x.process and s.subject = x.subject
  where x.shard = any(%(shards)s::smallint[]) and x.bucket <= date_bin('5 minutes', %(now)s at time zone 'UTC', timestamp '2000-01-01')
    and x.due_at <= %(now)s
  order by x.due_at, x.shard, x.process, x.subject limit %(limit)s for update of x skip locked)
delete from deadline d using due where d.shard = any(array[due.shard]) and d.process = due.process and d.subject = due.subject
returning d.shard, d.process, d.subject, d.name, d.due_at, d.revision, due.entity, due.lane;

-- name: open_commands
-- Durable intents whose key was never used; the answer lacks the others. Where all have to be, it divides by zero if one is not: the outer join
-- asks that also when nothing was opened, and gives a row of nulls then. Parameters are named as the columns.
-- Those with a dispatch leave at once, as its members, where a claim would let them: the slot is the worker's own (it waits for nobody who holds it),
-- nothing stands against the connection, and the subject has no older command. Whoever sends asks again behind the fence (`start_call`).
with given as (
  select * from unnest(%(shard)s::smallint[], %(key)s::bytea[], %(key_text)s::text[], %(correlation)s::text[], %(process)s::text[],
    %(subject)s::text[], %(step)s::text[], %(occurrence)s::integer[], %(generation)s::integer[], %(entity)s::text[],
    %(connection)s::text[], %(operation)s::text[], %(lane)s::smallint[], %(status)s::text[], %(ordering_key)s::text[],
    %(order_shard)s::smallint[], %(position)s::bigint[], %(n)s::smallint[], %(body)s::bytea[], %(sealed_body)s::bytea[],
    %(data_key)s::bytea[], %(bundle)s::bytea[], %(actor)s::text[], %(since)s::timestamptz[], %(content)s::bytea[],
    %(dispatches)s::bytea[])
    as c (shard, key, key_text, correlation, process, subject, step, occurrence, generation, entity, connection, operation, lane, status,
      ordering_key, order_shard, position, n, body, sealed_body, data_key, bundle, actor, since, content, dispatch)),
departing as (
  select * from unnest(%(departing)s::bytea[], %(departing_shards)s::smallint[], %(departing_operations)s::text[], %(departing_connections)s::text[],
    %(slots)s::smallint[], %(tokens)s::bigint[], %(holders)s::text[]) as d (id, shard, operation, connection, slot, token, holder)),
held as (select l.name, l.slot from lease l
  where l.kind = 'slot' and (l.name, l.slot, l.token, l.holder) in (select connection, slot, token, holder from departing)
  for share skip locked),
leaving as (
  select p.id, p.shard, p.operation, p.connection, p.slot, t.members_in_dispatch from departing p join held h on h.name = p.connection and h.slot = p.slot
  cross join deployment t left join breaker b on b.connection = p.connection
  where t.quarantine = '' and mod(t.epoch, 2) = 1 and coalesce(b.state, 'closed') = 'closed'
    and not exists (select from stop x where x.connection = p.connection)
    and not exists (select from recovery y where %(at)s <= y.closed_at + interval '1 hour')),
fresh as (
  insert into seen (shard, key, content, day) select shard, key, content, %(at)s::date from given order by shard, key
  on conflict (shard, key) do nothing returning shard, key),
opened as (
  insert into command_open (shard, key, key_text, correlation, process, subject, step, occurrence, generation, entity, connection, operation, lane,
    status, run_at, ordering_key, order_shard, position, n, body, sealed_body, data_key, bundle, actor, since, dispatch)
  select g.shard, g.key, key_text, correlation, process, subject, step, occurrence, generation, entity, g.connection, g.operation, lane,
    case when l.id is null then status else 'dispatched' end, %(at)s, ordering_key, order_shard, position, n, body, sealed_body, data_key, bundle, actor,
    since, l.id
  from given g join fresh using (shard, key)
  left join leaving l on l.id = g.dispatch and not exists (
    select from command_open e where e.shard = any(array[g.shard]) and e.process = g.process and e.subject = g.subject and (e.position, e.n) < (g.position, g.n))
  returning shard, key, dispatch, lane, position, n),
members as (
  insert into dispatch_member (shard, dispatch, n, command_shard, command_key)
  select l.shard, l.id, row_number() over (partition by l.id order by o.shard, o.position, o.n) - 1, o.shard, o.key
  from opened o join leaving l on l.id = o.dispatch where not l.members_in_dispatch),
begun as (
  insert into dispatch (shard, id, connection, operation, slot, lane, status, run_at, began_at, look_up_first, member_shards, member_keys)
  select l.shard, l.id, l.connection, l.operation, l.slot, o.lane, 'open', %(at)s, %(at)s, false, case when l.members_in_dispatch then o.shards end,
    case when l.members_in_dispatch then o.keys end
  from leaving l join (
    select dispatch, min(lane) as lane, array_agg(shard order by shard, position, n) as shards, array_agg(key order by shard, position, n) as keys
    from opened where dispatch is not null group by dispatch) o on o.dispatch = l.id)
select shard, key, dispatch
from (select 1 / case when not %(all_fresh)s or count(*) = cardinality(%(shard)s::smallint[]) then 1 else 0 end as demanded from fresh) as demand
left join opened on demanded = 1;

-- name: settle_commands
-- Closes commands that have ended; `handed_over` stays open for a person.
with ended as (
  delete from command_open c using unnest(%(shards)s::smallint[], %(keys)s::bytea[], %(outcomes)s::text[], %(ids)s::bytea[])
    as e (shard, key, outcome, ids)
  where c.shard = any(array[e.shard]) and c.key = e.key and e.outcome <> 'handed_over'
  returning c.*, e.outcome, e.ids)
insert into command_closed (shard, key, month, key_text, correlation, process, subject, step, entity, connection, operation, outcome, ids,
  body, position, note, dispatch, since, closed_at)
select shard, key, date_trunc('month', %(at)s::timestamptz)::date, key_text, correlation, process, subject, step, entity, connection, operation,
  outcome, ids, body, position, note, dispatch, since, %(at)s from ended;

-- name: hand_over_commands
-- A person has to decide these.
update command_open c set status = 'handed_over', note = h.note
from unnest(%(shards)s::smallint[], %(keys)s::bytea[], %(notes)s::text[]) as h (shard, key, note)
where c.shard = any(array[h.shard]) and c.key = h.key;

-- name: release_command
-- A person lets a waiting command go. `nullif`, here and below: no index shall serve the status, since all commands at persons would be walked through
-- where none was when the table was last analyzed.
update command_open set status = 'ready', run_at = %(at)s, dispatch = null, actor = %(actor)s
where shard = %(shard)s and key = %(key)s and nullif(status in ('would_do', 'proposed', 'handed_over'), false)
returning key;

-- name: answer_command
-- A person has said how it ends: nobody else may say otherwise, or let it go, while that is on its way.
update command_open set status = 'answered'
where shard = %(shard)s and key = %(key)s and nullif(status in ('would_do', 'proposed', 'handed_over'), false);

-- name: approve
-- Who let it go, or didn't.
insert into approval (shard, key, act, actor, on_behalf_of, verdict, reason, at)
values (%(shard)s, %(key)s, %(act)s, %(actor)s, %(on_behalf_of)s, %(verdict)s, %(reason)s, %(at)s) on conflict do nothing;

-- name: command_by_key
-- A command that hasn't ended. Columns are named, here and everywhere: a prepared `*` fails for ever once a newer release adds a column.
select shard, key, key_text, correlation, process, subject, step, occurrence, generation, entity, connection,
  operation, lane, status, run_at, ordering_key, order_shard, position, n, body, sealed_body, data_key, bundle,
  dispatch, actor, since, note
from command_open where shard = %(shard)s and key = %(key)s;

-- name: add_postings
-- The transit ledger's part of a decision.
insert into posting (shard, position, n, month, entity, debit, credit, currency, minor, process, subject)
select * from unnest(%(shards)s::smallint[], %(positions)s::bigint[], %(ns)s::smallint[], %(months)s::date[], %(entities)s::text[],
  %(debits)s::text[], %(credits)s::text[], %(currencies)s::text[], %(minors)s::bigint[], %(processes)s::text[], %(subjects)s::text[]);

-- name: open_cases
-- For a person. A reason that is open for the subject already isn't opened twice: it says what is so now.
with given as (
  select * from unnest(%(shards)s::smallint[], %(ids)s::text[], %(processes)s::text[], %(subjects)s::text[], %(entities)s::text[],
    %(reasons)s::text[], %(sentences)s::text[], %(currencies)s::text[], %(minors)s::bigint[], %(candidates)s::bytea[], %(positions)s::bigint[])
    as c (shard, id, process, subject, entity, reason, sentence, currency, minor, candidates, position)),
said as (
  update exception_case c set sentence = g.sentence, currency = g.currency, minor = g.minor, candidates = g.candidates from given g
  where c.shard = any(array[g.shard]) and c.process = g.process and c.subject = g.subject and c.reason = g.reason and c.closed_at is null
    and (c.sentence, c.currency, c.minor, c.candidates) is distinct from (g.sentence, g.currency, g.minor, g.candidates))
insert into exception_case (shard, id, process, subject, entity, reason, sentence, currency, minor, candidates, opened_at, position)
select shard, id, process, subject, entity, reason, sentence, currency, minor, candidates, %(at)s, position from given
on conflict do nothing;

-- name: close_cases
-- What the machine itself found settled.
update exception_case c set closed_at = %(at)s, closed_by = g.actor
from unnest(%(shards)s::smallint[], %(processes)s::text[], %(subjects)s::text[], %(reasons)s::text[], %(actors)s::text[])
  as g (shard, process, subject, reason, actor)
where c.shard = any(array[g.shard]) and c.process = g.process and c.subject = g.subject and c.reason = g.reason and c.closed_at is null;

-- name: close_case
-- What a person found settled.
update exception_case set closed_at = %(at)s, closed_by = %(actor)s where shard = %(shard)s and id = %(id)s and closed_at is null;

-- name: reread
-- Puts a receipt into the queue of readings again. The number is the how-manyeth reading: the queue forgets those that ended.
insert into reading (shard, receipt, month, lane, number, run_at)
select r.shard, r.id, r.month, 1, %(number)s, %(at)s
from receipt r where r.shard = %(shard)s and r.id = %(receipt)s
on conflict do nothing;

-- name: poison
-- Sets arrivals of a poisoned subject aside, until a person has them run again.
insert into parked (shard, id, kind, process, subject, since, until, arrival, sealed_body, data_key)
select shard, id, 'poison', process, subject, %(at)s, 'infinity', arrival, sealed_body, data_key
from unnest(%(shards)s::smallint[], %(ids)s::bytea[], %(processes)s::text[], %(subjects)s::text[], %(arrivals)s::bytea[], %(sealed)s::bytea[],
  %(data_keys)s::bytea[]) as p (shard, id, process, subject, arrival, sealed_body, data_key)
on conflict do nothing;

-- name: mark_poisoned
-- Subjects whose stored state can't be understood; their rows stay as they are.
update subject s set poisoned = 'state' from unnest(%(shards)s::smallint[], %(processes)s::text[], %(subjects)s::text[])
  as m (shard, process, subject)
where s.shard = m.shard and s.process = m.process and s.subject = m.subject;

-- name: bundle
-- A bundle by its digest.
select content from bundle where digest = %(digest)s;

-- name: database_clock
-- The one clock of leases.
select clock_timestamp() as at;

-- name: nudge
-- Wakes those who wait for such work, in other processes.
select pg_notify('nostro', told) from unnest(%(told)s::text[]) as told order by told;

-- name: held_shards
-- Who holds shards, and where they stand: to tell a lost fence from another lost race, and from an own commit that was not told.
select shard, token, position, head, bundle, activations from shard where shard = any(%(shards)s::smallint[]) order by shard;

-- name: take_back
-- What was set aside with a poisoned subject, to arrive again.
delete from parked where shard = %(shard)s and process = %(process)s and subject = %(subject)s and kind = 'poison'
returning arrival, sealed_body, data_key;

-- name: case_by_id
-- A case, open or closed.
select shard, id, process, subject, entity, reason, sentence, currency, minor, candidates, opened_at, position,
  closed_at, closed_by
from exception_case where shard = %(shard)s and id = %(id)s;

-- name: lock_activations
-- Two publications take turns.
select shard from shard order by shard for update;

-- name: newest_activation
-- The bundle that was published last.
select digest, content, number from bundle order by number desc limit 1;

-- name: add_bundle
-- A bundle, in the order of its publication; one that was in force before and is again takes a new number.
insert into bundle (digest, content, published_at, published_by, number) values (%(digest)s, %(content)s, %(at)s, %(actor)s, %(number)s)
on conflict (digest) do update set published_at = excluded.published_at, published_by = excluded.published_by, number = excluded.number;

-- name: quarantine
-- Nothing leaves until a person has closed the recovery.
update deployment set quarantine = %(why)s where quarantine = '';

-- name: run_of_database
-- Which database this is, and since when its PostgreSQL runs: what is restored is another, or runs anew.
select oid::bigint as number, pg_postmaster_start_time() as since from pg_database where datname = current_database();

-- name: checkpoint_digest
-- What the database holds under a checkpoint's number.
select digest from checkpoint where number = %(number)s;

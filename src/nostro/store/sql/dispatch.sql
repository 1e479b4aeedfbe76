-- `= any(array[x])`, here and there, says no more than `= x`, and only to an index: where a queue was found empty, a plan would else compare each row
-- of a batch with each that waits, and be kept for when the queue is full. `nullif` around a status says no more than the status does, and that to no
-- index: where nothing was ready, or under way, when the table was last analyzed, a plain condition is taken for the rarer one than the key, and all
-- that are ready, or under way, are walked through for each.

-- name: make_slots
-- The slots of connections begin held by nobody. In how many a connection is divided is the token of a row of its own.
with wanted as (select * from unnest(%(names)s::text[], %(slots)s::smallint[]) as s (name, slot))
insert into lease (kind, name, slot, token, until)
select 'slot', name, slot, 0, %(now)s::timestamptz from wanted union all select 'slots', name, 0, count(*), %(now)s from wanted group by name
order by 1, 2, 3 on conflict do nothing;

-- name: divide
-- Whoever begins says in how many slots connections are divided; those that were divided otherwise are in the answer. Locked in their order.
with other as (
  select l.name, said.slots from lease l join (
    select name, count(*) as slots from unnest(%(names)s::text[]) as s (name) group by name) said on said.name = l.name
  where l.kind = 'slots' and l.token <> said.slots order by l.name for update of l)
update lease l set token = other.slots from other where l.kind = 'slots' and l.name = other.name
returning l.name;

-- name: divided
-- In how many slots each connection is divided; it stays so until the database transaction ends.
select name, token as slots from lease where kind = 'slots' and name = any(%(names)s::text[]) order by name for share;

-- name: take_away_slots
-- No holder of a connection's slots may go on: the other slots that there are now share its keys out otherwise. In the order
-- of `renew_slots`.
with theirs as materialized (
  select name, slot from lease where kind = 'slot' and name = any(%(names)s::text[]) order by name collate "C", slot for update)
update lease l set token = l.token + 1, holder = '', until = %(now)s from theirs
where l.kind = 'slot' and l.name = theirs.name and l.slot = theirs.slot;

-- name: free_slots
-- Whether some slot has no holder.
select 1 as one from lease l join lease divided on divided.kind = 'slots' and divided.name = l.name and l.slot < divided.token
where l.kind = 'slot' and l.name = any(%(names)s::text[]) and (l.until <= %(now)s or l.until > %(beyond)s) limit 1;

-- name: renew_slots
-- Holds on to slots; those that somebody else took meanwhile are missing from the answer. Locked in their order, as the ends of several slots'
-- dispatches are fenced that one decision follows (`fence_all`): the worker renews while it decides, and else the two could wait for each other.
with mine as materialized (
  select l.name, l.slot from lease l
  join unnest(%(names)s::text[], %(slots)s::smallint[], %(tokens)s::bigint[]) as m (name, slot, token)
    on l.name = m.name and l.slot = m.slot and l.token = m.token
  where l.kind = 'slot' and l.holder = %(holder)s order by l.name collate "C", l.slot for update of l)
update lease l set until = %(until)s from mine where l.kind = 'slot' and l.name = mine.name and l.slot = mine.slot
returning l.name, l.slot;

-- name: take_slots
-- Takes slots that nobody holds, in the order in which they are asked for. The token fences whoever held them before.
-- Materialised: a plan may run a subquery once a row, and each run would lock as many rows as the limit allows.
with free as materialized (select f.name, f.slot from lease f
  join unnest(%(names)s::text[], %(slots)s::smallint[]) with ordinality as wanted (name, slot, place) on f.name = wanted.name and f.slot = wanted.slot
  where f.kind = 'slot' and (f.until <= %(now)s or f.until > %(beyond)s)
  order by wanted.place limit %(limit)s for update of f skip locked)
update lease l set token = l.token + 1, holder = %(holder)s, until = %(until)s from free
where l.kind = 'slot' and l.name = free.name and l.slot = free.slot
returning l.name, l.slot, l.token;

-- name: release_slots
-- Gives slots back at once. In the order of `renew_slots`.
with mine as materialized (
  select l.name, l.slot from lease l
  join unnest(%(names)s::text[], %(slots)s::smallint[], %(tokens)s::bigint[]) as m (name, slot, token)
    on l.name = m.name and l.slot = m.slot and l.token = m.token
  where l.kind = 'slot' order by l.name collate "C", l.slot for update of l)
update lease l set holder = '', until = %(now)s from mine where l.kind = 'slot' and l.name = mine.name and l.slot = mine.slot;

-- name: fence_slot
-- It divides by zero when the slot is somebody else's, and nothing that is sent behind it is done. The share lock keeps it ours until the database
-- transaction ends. With it: whether anything may leave (a stopped connection is in a quarantine of its own), in which life of the database, and how
-- the connection's breaker stands.
with mine as (select from lease l
  where l.kind = 'slot' and l.name = %(name)s and l.slot = %(slot)s and l.token = %(token)s and l.holder = %(holder)s
  for share)
select 1 / (select count(*) from mine) as one, coalesce(nullif(d.quarantine, ''), s.why, '') as quarantine, d.epoch, b.state, b.failures, b.until
from deployment d
left join stop s on s.connection = %(name)s
left join breaker b on b.connection = %(name)s;

-- name: anything
-- Whether a claim could find anything, and whether nothing may leave (`held`), asked before it locks and writes: a connection that rests costs a look.
-- Ordered as the index is, which has ready ones only: a plan that looked through all that is open would take long when none is ready. Which are the
-- slot's is asked only when there is one: of each subject the oldest that is open.
select case when (select 1 from command_open where connection = %(connection)s and status = 'ready'
      order by connection, operation, order_shard, lane, since, shard, position, n limit 1) is null then false
    else exists (select from unnest(%(operations)s::text[]) as wanted (operation) cross join unnest(%(shards)s::smallint[]) as mine (shard)
      cross join lateral (
        select 1 as one from command_open o
        where o.connection = %(connection)s and o.operation = wanted.operation and o.order_shard = mine.shard and o.status = 'ready'
          and (
            select 1 from command_open e where e.shard = o.shard and e.process = o.process and e.subject = o.subject
              and (e.position, e.n) < (o.position, o.n) limit 1) is null
        order by o.lane, o.since, o.shard, o.position, o.n limit 1) c) end
  or exists (select from unnest(%(lanes)s::smallint[]) as each (lane) cross join lateral (
    select 1 as one from dispatch d where d.connection = %(connection)s and d.lane = each.lane and mod(d.slot, %(slots)s) = %(slot)s
      and d.id <> all(%(running)s::bytea[]) and (d.status = 'open' or d.status = 'waiting' and d.run_at <= %(business)s) limit 1) d) as found,
  t.quarantine <> '' or exists (select from stop where connection = %(connection)s)
    or exists (select from breaker where connection = %(connection)s and state <> 'closed' and until > %(business)s) as held
from deployment t;

-- name: due_dispatches
-- Dispatches of a slot to be driven (again): waited long enough, or left by somebody who died, once their calls' bytes can't leave any more. The oldest
-- of each lane: else a flood of one that has to come again would keep the others waiting until all of it has.
select d.shard, d.id, d.operation, d.began_at, d.look_up_first, each.lane
from unnest(%(lanes)s::smallint[]) as each (lane)
cross join lateral (
  select u.* from (
    (select w.shard, w.id, w.operation, w.began_at, w.look_up_first, w.run_at from dispatch w
    where w.connection = %(connection)s and w.status = 'waiting' and w.lane = each.lane and w.run_at <= %(business)s
      and mod(w.slot, %(slots)s) = %(slot)s and w.id <> all(%(running)s::bytea[])
    order by w.run_at, w.shard, w.id limit %(limit)s)
    union all
    (select o.shard, o.id, o.operation, o.began_at, o.look_up_first, o.run_at from dispatch o
    where o.connection = %(connection)s and o.status = 'open' and o.lane = each.lane
      and mod(o.slot, %(slots)s) = %(slot)s and o.id <> all(%(running)s::bytea[]) and not exists (
        select from attempt_call a where a.shard = o.shard and a.dispatch = o.id and a.month >= date_trunc('month', o.began_at)::date
          and a.reply_receipt is null and a.deadline > %(machine)s)
    order by o.run_at, o.shard, o.id limit %(limit)s)) u
  order by u.run_at, u.shard, u.id limit %(limit)s) d
order by d.run_at, d.shard, d.id;

-- name: resume_dispatches
-- They are driven from now on; the answer lacks one that somebody else ended meanwhile.
update dispatch d set status = 'open'
from unnest(%(shards)s::smallint[], %(ids)s::bytea[]) as r (shard, id)
where d.shard = any(array[r.shard]) and d.id = r.id and nullif(d.status in ('open', 'waiting'), false)
returning d.id;

-- name: ready_commands
-- The oldest ready commands of each lane whose ordering keys are a slot's: of each subject only the oldest one that is open, whatever its
-- status; and none whose ordering key, if it isn't its own subject, another subject's command is under way on, or could leave on now and has waited longer.
-- `before`: it was journaled in an earlier dispatch; asked for each command, as a plan that asks for all of them reads all calls there
-- ever were. `restored`: it may have been done in a life of the database that a restore has lost; that holds for an hour after the recovery was closed,
-- in which everything that was told again has been decided again.
select r.*, (
    select 1 from dispatch_member m join attempt_call a on a.shard = any(array[m.shard]) and a.dispatch = m.dispatch
    where m.command_shard = r.shard and m.command_key = r.key limit 1) is not null as before,
  exists (select from recovery y where r.since <= y.closed_at + interval '1 hour') as restored
from unnest(%(lanes)s::smallint[]) as each (lane)
cross join lateral (
  select c.shard, c.key, c.operation, c.lane, c.entity, c.actor, c.since, c.position, c.n, mine.shard as order_shard
  from unnest(%(operations)s::text[]) as wanted (operation)
  cross join unnest(%(shards)s::smallint[]) as mine (shard)
  cross join lateral (
    select o.shard, o.key, o.operation, o.lane, o.entity, o.actor, o.since, o.position, o.n from command_open o
    where o.connection = %(connection)s and o.operation = wanted.operation and o.order_shard = mine.shard and o.lane = each.lane and o.status = 'ready'
      and o.run_at <= %(business)s and (
        select 1 from command_open e where e.shard = o.shard and e.process = o.process and e.subject = o.subject
          and (e.position, e.n) < (o.position, o.n) limit 1) is null
      and (o.ordering_key = o.process || '/' || o.subject or not exists (
        select from command_open e where e.order_shard = o.order_shard and e.ordering_key = o.ordering_key
          and e.ordering_key <> e.process || '/' || e.subject and (e.process, e.subject) <> (o.process, o.subject)
          and (e.status in ('dispatched', 'handed_over', 'answered')
            or e.status = 'ready' and (e.since, e.shard, e.position, e.n) < (o.since, o.shard, o.position, o.n) and (
              select 1 from command_open f where f.shard = e.shard and f.process = e.process and f.subject = e.subject
                and (f.position, f.n) < (e.position, e.n) limit 1) is null)))
    order by o.since, o.shard, o.position, o.n limit %(per_shard)s) c
  order by c.since, c.shard, c.position, c.n limit %(limit)s) r
where (select 1 from command_open where connection = %(connection)s and status = 'ready'
    order by connection, operation, order_shard, lane, since, shard, position, n limit 1) is not null
order by r.lane, r.since, r.shard, r.position, r.n;

-- name: in_force
-- The bundle that was published last.
select digest from bundle order by number desc limit 1;

-- name: ready_kinds
-- Of which kinds commands are ready, on whatever shards.
select distinct connection, operation, entity from command_open where status = 'ready';

-- name: keep_back
-- Commands that are ready under rules by which they would not be: they wait for a person from here on, but for those that one has let go, where a
-- person's word is enough. None that may have been done before, by a call that was begun or in a life that a restore has lost: that is looked up. None on a shard
-- where other rules are in force by now, and none in quarantine or while a recovery is open (the life has an even number).
with kept as materialized (
  select c.shard, c.key, kind.status, kind.mode
  from unnest(%(connections)s::text[], %(operations)s::text[], %(entities)s::text[], %(modes)s::text[], %(statuses)s::text[])
    as kind (connection, operation, entity, mode, status)
  join command_open c on c.connection = kind.connection and c.operation = kind.operation and c.entity = kind.entity and c.status = 'ready'
  join shard s on s.shard = c.shard and s.bundle = %(bundle)s
  where c.shard = any(%(shards)s::smallint[]) and (kind.mode = 'observe' or c.actor = %(engine)s)
    and (select 1 from dispatch_member m join attempt_call a on a.shard = any(array[m.shard]) and a.dispatch = m.dispatch
      where m.command_shard = c.shard and m.command_key = c.key limit 1) is null
    and not exists (select from recovery y where c.since <= y.closed_at + interval '1 hour')
    and exists (select from deployment where quarantine = '' and mod(epoch, 2) = 1)
  order by c.shard, c.key limit %(limit)s for update of c)
update command_open c set status = kept.status, note = 'It was to be sent; before it was, the rules came to ' || kept.mode || ' it.'
from kept where c.shard = kept.shard and c.key = kept.key
returning c.connection;

-- name: take_commands
-- The members are dispatched; one that isn't ready any more is missing from the answer.
update command_open c set status = 'dispatched', dispatch = t.dispatch
from unnest(%(command_shards)s::smallint[], %(keys)s::bytea[], %(dispatches)s::bytea[]) as t (shard, key, dispatch)
where c.shard = any(array[t.shard]) and c.key = t.key and nullif(c.status = 'ready', false)
returning c.shard, c.key, c.key_text, c.correlation, c.process, c.subject, c.step, c.occurrence, c.generation,
  c.entity, c.operation, c.lane, c.position, c.body, c.sealed_body, c.data_key, c.actor, c.since;

-- name: add_dispatches
-- Dialogues that begin, with their members, frozen from here on. Apart from their dispatches as long as the last release may have to go on with them.
with begun as (
  select d.shard, d.id, d.operation, d.lane, d.look_up_first, t.members_in_dispatch
  from unnest(%(shards)s::smallint[], %(ids)s::bytea[], %(operations)s::text[], %(lanes)s::smallint[], %(look_up_first)s::boolean[])
    as d (shard, id, operation, lane, look_up_first)
  cross join deployment t),
members as (
  select m.* from unnest(%(dispatches)s::bytea[], %(ns)s::smallint[], %(command_shards)s::smallint[], %(keys)s::bytea[])
    as m (dispatch, n, command_shard, key)),
apart as (
  insert into dispatch_member (shard, dispatch, n, command_shard, command_key)
  select b.shard, b.id, m.n, m.command_shard, m.key from members m join begun b on b.id = m.dispatch where not b.members_in_dispatch)
insert into dispatch (shard, id, connection, operation, slot, lane, status, run_at, began_at, look_up_first, member_shards, member_keys)
select b.shard, b.id, %(connection)s, b.operation, %(slot)s, b.lane, 'open', %(business)s, %(business)s, b.look_up_first,
  case when b.members_in_dispatch then m.shards end, case when b.members_in_dispatch then m.keys end
from begun b join (
  select dispatch, array_agg(command_shard order by n) as shards, array_agg(key order by n) as keys from members group by dispatch) m
  on m.dispatch = b.id;

-- name: members
-- The members of dispatches that were begun before, with their commands, in order. Columns as those of `take_commands`.
with asked as (
  select d.shard, d.id, d.member_shards, d.member_keys from dispatch d
  join unnest(%(shards)s::smallint[], %(dispatches)s::bytea[]) as a (shard, dispatch) on d.shard = any(array[a.shard]) and d.id = a.dispatch)
select m.dispatch, m.shard, m.key, c.key_text, c.correlation, c.process, c.subject, c.step, c.occurrence, c.generation,
  c.entity, c.operation, c.lane, c.position, c.body, c.sealed_body, c.data_key, c.actor, c.since
from (
  select a.id as dispatch, own.shard, own.key, own.n from asked a
  cross join lateral unnest(a.member_shards, a.member_keys) with ordinality as own (shard, key, n)
  union all select a.id, apart.command_shard, apart.command_key, apart.n from asked a
  join dispatch_member apart on apart.shard = any(array[a.shard]) and apart.dispatch = a.id where a.member_keys is null) m
left join command_open c on c.shard = any(array[m.shard]) and c.key = m.key
order by m.dispatch, m.n;

-- name: calls
-- The journals of dispatches, in order. No month before a dispatch began is looked into.
select a.dispatch, a.n, a.call_digest, a.started_at, a.reply_receipt
from unnest(%(shards)s::smallint[], %(dispatches)s::bytea[]) as asked (shard, dispatch)
join dispatch d on d.shard = any(array[asked.shard]) and d.id = asked.dispatch
join attempt_call a on a.shard = any(array[d.shard]) and a.dispatch = d.id and a.month >= date_trunc('month', d.began_at)::date
order by a.dispatch, a.n;

-- name: start_call
-- Before an Act's bytes leave: the next call of a dialogue that is open, as its journal was read. None is written where the dialogue has ended or
-- gone on without the asker, nor where nothing may leave, or other rules were published than its `bundle`, or a checkpoint is gone that the asker has
-- seen (`sealed`), as a dump was put back: asked here, behind whatever the fence waited for. Then it divides by zero.
with counted as (update dispatch set calls = %(n)s
  where shard = %(shard)s and id = %(dispatch)s and nullif(status = 'open', false) and calls = %(n)s - 1 returning id),
started as (insert into attempt_call (shard, dispatch, n, month, call_digest, started_at, deadline)
  select %(shard)s, %(dispatch)s, %(n)s, %(month)s, %(call_digest)s, %(started_at)s, %(deadline)s from deployment cross join counted
  where quarantine = '' and not exists (select from stop where connection = %(connection)s)
    and (%(bundle)s::bytea is null or (select digest from bundle order by number desc limit 1) = %(bundle)s)
    and coalesce((select number from checkpoint order by number desc limit 1), 0) >= %(sealed)s
  returning n)
select 1 / count(*) as one from started;

-- name: answer_call
-- What came back, once: it divides by zero when there is a reply already.
with answered as (update attempt_call set reply_receipt = %(receipt)s, reply_month = %(month)s
  where shard = %(shard)s and dispatch = %(dispatch)s and n = %(n)s and reply_receipt is null returning n)
select 1 / count(*) as one from answered;

-- name: put_off_dispatch
-- To be driven again at `run_at`.
update dispatch set status = 'waiting', run_at = %(run_at)s where shard = %(shard)s and id = %(id)s and nullif(status = 'open', false);

-- name: end_dispatch
-- Its outcomes are on their way. It divides by zero when it has ended already. If it holds its members itself, it goes when all of them have ended for
-- good, and its journal stays; else those that were handed over (`left`) stand apart from here on, so that a command that a person lets go again is
-- known to have been in it.
with ended as (
  update dispatch set status = %(status)s, note = %(note)s
  where shard = %(shard)s and id = %(id)s and nullif(status in ('open', 'waiting'), false)
    and (member_keys is null or cardinality(%(left)s::bytea[]) > 0)
  returning shard, id, member_shards, member_keys),
gone as (
  delete from dispatch
  where shard = %(shard)s and id = %(id)s and nullif(status in ('open', 'waiting'), false)
    and member_keys is not null and cardinality(%(left)s::bytea[]) = 0
  returning id),
apart as (
  insert into dispatch_member (shard, dispatch, n, command_shard, command_key)
  select e.shard, e.id, m.n - 1, m.shard, m.key from ended e
  cross join lateral unnest(e.member_shards, e.member_keys) with ordinality as m (shard, key, n)
  join unnest(%(left_shards)s::smallint[], %(left)s::bytea[]) as l (shard, key) on l.shard = m.shard and l.key = m.key)
select 1 / ((select count(*) from ended) + (select count(*) from gone)) as one;

-- name: forget_members
-- Commands have ended for good: nobody has to know any more which dispatches they were in before, nor of those that have no other members. Their
-- journal stays. Both are one statement, which sees members as they were before it: those that go are counted against those that there were.
with gone as (delete from dispatch_member m using unnest(%(command_shards)s::smallint[], %(keys)s::bytea[]) as c (shard, key)
  where m.command_shard = any(array[c.shard]) and m.command_key = c.key
  returning m.shard, m.dispatch)
delete from dispatch d using (select shard, dispatch, count(*) as members from gone group by shard, dispatch) g
where d.shard = any(array[g.shard]) and d.id = g.dispatch and d.status in ('closed', 'held')
  and g.members = (select count(*) from dispatch_member m where m.shard = d.shard and m.dispatch = d.id);

-- name: open_breaker
-- Nothing is begun until `until`.
insert into breaker (connection, state, failures, until, changed_at) values (%(connection)s, 'open', %(failures)s, %(until)s, %(at)s)
on conflict (connection) do update set state = 'open', failures = excluded.failures, until = excluded.until, changed_at = excluded.changed_at;

-- name: probe
-- One prober tries; no row for all the others.
update breaker set state = 'half_open', until = %(until)s, changed_at = %(at)s
where connection = %(connection)s and state in ('open', 'half_open') and until = %(seen)s
returning state;

-- name: close_breaker
-- The other side answers again.
update breaker set state = 'closed', failures = 0, changed_at = %(at)s where connection = %(connection)s and state = 'half_open';

-- name: begin_life
-- A new life of the database; the quarantine ends with it. No row: a later life has begun already.
update deployment set epoch = %(epoch)s, quarantine = '' where epoch < %(epoch)s returning epoch;

-- name: add_recovery
-- What the fact says that opened it.
insert into recovery (epoch, since, kept, lost, opened_at, opened_by, opened_for, reason)
values (%(epoch)s, %(since)s, %(kept)s, %(lost)s, %(at)s, %(actor)s, %(behalf)s, %(reason)s);

-- name: close_recovery
-- A second person has closed it. Not where the database was restored once more since: that ends with a recovery of its own.
update recovery set closed_at = %(at)s, closed_by = %(actor)s where epoch = %(epoch)s and closed_at is null
  and (select quarantine from deployment) = '' returning epoch;

-- name: fence_everybody
-- Whoever drives a dispatch or polls a feed at this moment can't write its end any more, and takes it anew. In the order of `renew_slots`.
with held as materialized (
  select kind, name, slot from lease where kind in ('feed', 'slot') order by kind, name collate "C", slot for update)
update lease l set token = l.token + 1, holder = '', until = %(machine)s from held
where l.kind = held.kind and l.name = held.name and l.slot = held.slot;

-- name: rewind_feeds
-- Each feed and folder is read again from before `since`, or before what an earlier recovery still wants, and has not been heard from since.
update feed set rewind_to = least(rewind_to, %(since)s), run_at = %(at)s, heartbeat_at = null, failures = 0;

-- name: take_back_commands
-- Commands wait for a dispatch again, before `leave_dispatches`: those that were ready, and those whose dialogue has not ended. What has ended told
-- its outcome in the same database transaction, and that is in the log or on its way there: beside it nothing begins. Whoever released a command
-- did so before the restore, and it may have been done: that release counts no more.
update command_open set status = 'ready', dispatch = null, actor = 'engine'
where status = 'ready' or status = 'dispatched' and dispatch in (select id from dispatch where status in ('open', 'waiting'));

-- name: leave_dispatches
-- No dialogue goes on: what it did after the backup isn't in its journal. Its commands begin another one, with a look-up, and stand apart from here
-- on: so that they are known to have been in it, and it goes with the last of them.
with behind as (
  update dispatch set status = 'closed', note = 'left behind by a recovery' where status in ('open', 'waiting')
  returning shard, id, member_shards, member_keys)
insert into dispatch_member (shard, dispatch, n, command_shard, command_key)
select b.shard, b.id, m.n - 1, m.shard, m.key from behind b
cross join lateral unnest(b.member_shards, b.member_keys) with ordinality as m (shard, key, n);

-- name: newest_recovery
-- The recovery that is open, or the last one.
select epoch, since, kept, lost, opened_at, opened_by, opened_for, reason, closed_at, closed_by from recovery order by epoch desc limit 1;

-- name: feeds_behind
-- Feeds and folders of these connections that were not read to their end since the recovery was opened.
select connection, name, note from feed
where connection = any(%(connections)s::text[])
  and (rewind_to is not null or heartbeat_at is null or failures > 0 or run_at < heartbeat_at or position('"taken/"' in cursor) > 0
    or (run_at = heartbeat_at and name <> 'folder'))
order by connection, name;

-- name: backlog_before
-- Receipts that wait to be read, and facts to be decided, since before an instant.
select (select count(*) from reading where run_at < %(before)s) as readings, (select count(*) from arrival where at < %(before)s) as arrivals;

-- name: looked_up
-- Commands that still wait for the end of their look-up, and those that a person has to look up.
select count(*) filter (where status in ('ready', 'dispatched')) as under_way, count(*) filter (where status = 'handed_over') as for_a_person
from command_open where since <= %(until)s;

-- name: checkpoint_at
-- When a checkpoint was signed.
select at from checkpoint where number = %(number)s;

-- name: newest_number
-- The newest checkpoint's number; none: 0.
select coalesce(max(number), 0) as number from checkpoint;

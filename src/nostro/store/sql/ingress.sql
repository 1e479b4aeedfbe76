-- `= any(array[x])`, here and there, says no more than `= x`, and only to an index: where a queue was found empty, a plan would else compare each row
-- of a batch with each that waits, and be kept for when the queue is full.

-- name: arrivals_waiting
-- How many facts wait to be decided, by lane.
select lane, count(*) as count from arrival group by lane order by lane;

-- name: readings_waiting
-- How many receipts wait to be read, and how many of them on the critical lane.
select count(*) as count, count(*) filter (where lane = 0) as urgent from reading;

-- name: commands_ready
-- How many commands may leave and haven't, by connection, and how many of them on the critical lane: from `command_open_ready` alone. Those
-- under way are few.
select connection, false as observed, count(*) as count, count(*) filter (where lane = 0) as urgent from command_open
where status = 'ready' group by connection order by connection;

-- name: commands_at_persons
-- The same of those that a person lets go, releases or ends, and apart from them those that only observe: from `command_open_at_persons` alone.
select connection, status = 'would_do' as observed, count(*) as count, count(*) filter (where lane = 0) as urgent from command_open
where status in ('would_do', 'proposed', 'handed_over') group by connection, status = 'would_do' order by connection, observed;

-- name: parked_waiting
-- How many facts and look-ups wait for news that leads them to a subject.
select count(*) as count from parked;

-- name: claim_readings
-- Receipts to read next, so many of each lane. Whoever claims one has it until `until` (machine time); `attempts` is the fence, and only grows.
-- `failure` has a stroke for each claim that came to no end: made here, as nobody is there to make it when a receipt ends its reader, and taken back
-- by who lives and knows that something else ended the claim. A hundred say as much as more.
-- Materialised: a plan may run a subquery once a row, and each run would lock as many rows as the limit allows. The outer limit is never
-- reached: it tells the planner how few they are, however long the queue, else it reads the whole queue for them.
with due as materialized (select r.* from unnest(%(lanes)s::smallint[], %(limits)s::integer[]) as each (lane, most)
  cross join lateral (select shard, receipt, number from reading
    where lane = each.lane and run_at <= %(business)s and until <= %(machine)s
    order by run_at, shard, receipt, number limit each.most for update skip locked) r limit 100)
update reading r set attempts = r.attempts + 1, until = %(until)s, failure = left(r.failure || '|', 100) from due
where r.shard = any(array[due.shard]) and r.receipt = due.receipt and r.number = due.number
returning r.shard, r.receipt, r.month, r.lane, r.number, r.attempts, r.run_at, length(r.failure) as failures;

-- name: hold_readings
-- Goes on holding readings; one that somebody else claimed meanwhile is missing from the answer.
update reading r set until = %(until)s
from unnest(%(shards)s::smallint[], %(receipts)s::bytea[], %(numbers)s::integer[], %(attempts)s::integer[])
  as mine (shard, receipt, number, attempts)
where r.shard = any(array[mine.shard]) and r.receipt = mine.receipt and r.number = mine.number and r.attempts = mine.attempts
returning r.shard, r.receipt, r.number;

-- name: release_readings
-- Gives readings back whose claimer ends: free at once, and without the stroke of its claim.
update reading r set until = %(until)s, failure = left(r.failure, -1)
from unnest(%(shards)s::smallint[], %(receipts)s::bytea[], %(numbers)s::integer[], %(attempts)s::integer[])
  as mine (shard, receipt, number, attempts)
where r.shard = any(array[mine.shard]) and r.receipt = mine.receipt and r.number = mine.number and r.attempts = mine.attempts;

-- name: excuse_readings
-- The database was away while these were claimed: the claims' strokes go, also of what somebody else has claimed since.
update reading r set failure = left(r.failure, -1)
from unnest(%(shards)s::smallint[], %(receipts)s::bytea[], %(numbers)s::integer[], %(attempts)s::integer[])
  as mine (shard, receipt, number, attempts)
where r.shard = any(array[mine.shard]) and r.receipt = mine.receipt and r.number = mine.number and r.attempts >= mine.attempts;

-- name: end_readings
-- These receipts are read; the answer lacks one that somebody else read to its end, or reads now.
delete from reading r
using unnest(%(shards)s::smallint[], %(receipts)s::bytea[], %(numbers)s::integer[], %(attempts)s::integer[])
  as mine (shard, receipt, number, attempts)
where r.shard = any(array[mine.shard]) and r.receipt = mine.receipt and r.number = mine.number and r.attempts = mine.attempts
returning r.shard, r.receipt, r.number;

-- name: renumber_readings
-- They have the next number from now on, since another reading of theirs has ended under this one.
update reading r set number = r.number + 1
from unnest(%(shards)s::smallint[], %(receipts)s::bytea[], %(numbers)s::integer[], %(attempts)s::integer[])
  as mine (shard, receipt, number, attempts)
where r.shard = any(array[mine.shard]) and r.receipt = mine.receipt and r.number = mine.number and r.attempts = mine.attempts;

-- name: hint_feeds
-- A hint brings a feed's next poll forward, also while one is under way that may have come too early for the news.
update feed set run_at = %(at)s
from unnest(%(connections)s::text[], %(names)s::text[]) as hinted (connection, name)
where feed.connection = hinted.connection and feed.name = hinted.name;

-- name: standing
-- How the deployment stands. A standby counts when commits wait for it; without the right to see, none is seen.
select coalesce((select quarantine from deployment), '') as quarantine,
  (select coalesce(string_agg(connection, ', ' order by connection), '') from stop) as stopped,
  (select r.opened_at from recovery r join deployment d on d.epoch = r.epoch) as recovering_since,
  (select count(*) from pg_stat_replication where sync_state in ('sync', 'quorum')) as standbys,
  (select count(*) from parked) as parked;

-- name: commands_waiting
-- Open commands, for the metric.
select connection, status, count(*) as count from command_open group by connection, status order by connection, status;

-- name: cases_waiting
-- Open cases, for the metric.
select reason, count(*) as count from exception_case where closed_at is null group by reason order by reason;

-- name: heartbeats
-- When polls of these feeds, or looks at these folders, last succeeded, for the metric. A row stays when its connection is gone.
select f.connection, f.name, f.heartbeat_at from unnest(%(connections)s::text[], %(names)s::text[]) as asked (connection, name)
join feed f using (connection, name) where f.heartbeat_at is not null order by f.connection, f.name;

-- name: breakers
-- The breakers of these connections, for the metric. A row stays when its connection is gone.
select connection, state from breaker where connection = any(%(connections)s::text[]) order by connection;

-- name: take_lease
-- Takes a lease that nobody holds, or goes on holding it; another holder's raises the token, which fences the one before. One that ends farther
-- ahead than any can was given before the clock was set back.
insert into lease (kind, name, slot, token, holder, until) values (%(kind)s, %(name)s, 0, 1, %(holder)s, %(until)s)
on conflict (kind, name, slot) do update set holder = excluded.holder, until = excluded.until,
  token = lease.token + case when lease.holder = excluded.holder then 0 else 1 end
where lease.holder = excluded.holder or lease.until <= %(machine)s or lease.until > %(beyond)s
returning token;

-- name: release_leases
-- Gives back what a worker holds of a kind, so that nobody waits for its leases to end.
update lease set holder = '', until = %(now)s where kind = %(kind)s and holder = %(holder)s;

-- name: hold_lease
-- The fence: no row when somebody else has it by now.
select token from lease where kind = %(kind)s and name = %(name)s and slot = 0 and token = %(token)s and holder = %(holder)s for update;

-- name: make_feed
-- A feed begins at its beginning, and is due.
insert into feed (connection, name, run_at) values (%(connection)s, %(name)s, %(at)s) on conflict do nothing;

-- name: feeds_resting
-- A connection's feeds that are not due yet.
select name from feed where connection = %(connection)s and run_at > %(now)s;

-- name: feed
-- Where a feed stands; no row before its first poll.
select cursor, run_at, failures, rewind_to, exists (select from stop s where s.connection = feed.connection) as stopped from feed where connection = %(connection)s and name = %(name)s;

-- name: advance_feed
-- A poll that worked: the next cursor, and a heartbeat. Where a hint came meanwhile, its time stays. A cursor that is as it was is not written again:
-- of a folder that can't be written to it has hundreds of kilobytes, and the row goes on pointing at them.
update feed set cursor = case when cursor = %(cursor)s then cursor else %(cursor)s end,
  run_at = case when run_at = %(seen)s then %(run_at)s else run_at end, heartbeat_at = %(at)s, failures = 0, note = '',
  rewind_to = null
where connection = %(connection)s and name = %(name)s;

-- name: delay_feed
-- A poll that failed.
update feed set run_at = %(run_at)s, failures = failures + 1, note = %(note)s
where connection = %(connection)s and name = %(name)s;

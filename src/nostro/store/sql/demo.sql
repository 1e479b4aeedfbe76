-- name: came_in
-- Receipts by connection and way in, without replies to our own calls.
select connection, split_part(kind, ':', 1) as way, count(*) as receipts, min(received_at) as first_at, max(received_at) as last_at
from receipt where kind <> 'reply' group by 1, 2 order by 1, 2;

-- name: readings
-- What became of the items of each receipt that was read.
select body from fact where process = 'receipt' and type = 'receipt.read' order by shard, position;

-- name: asked
-- Commands by operation and how they ended, or where they wait.
select operation, outcome, count(*) as commands from (
  select operation, outcome from command_closed union all select operation, status from command_open) every
group by operation, outcome order by operation, outcome;

-- name: left
-- Commands that left: those of whose dispatch at least one act was started.
with started as (select distinct dispatch from attempt_call)
select correlation, operation from command_closed where dispatch in (select dispatch from started)
union select correlation, operation from command_open where dispatch in (select dispatch from started) order by 1;

-- name: next_wait
-- The next business time at which something is to be done that nobody outside will tell us of.
select min(at) as at from (
  select run_at as at from reading union all
  select run_at from dispatch where status = 'waiting' union all
  select run_at from command_open where status = 'ready' union all
  select run_at from feed where failures > 0 union all
  select due_at from deadline union all
  select until from parked union all
  select until from breaker where state <> 'closed') waits
where at > %(now)s and at < 'infinity';

-- name: due
-- Which loops would find something to do: the demo asks once instead of letting each of them look in vain.
select 'read' as loop where exists (select from reading where run_at <= %(now)s)
union all select 'decide' where exists (select from arrival)
union all select 'deadlines' where exists (select from deadline where due_at <= %(now)s)
union all select 'route' where exists (select from parked where until <= %(now)s) or exists (
  select from parked_reference p join reference r on (r.shard, r.kind, r.digest, r.process) = (p.shard, p.kind, p.digest, p.process))
union all select case name when 'pin' then 'pin ' else 'poll ' end || connection from feed where run_at <= %(now)s
union all select 'dispatch ' || connection from command_open where status = 'ready' and run_at <= %(now)s
union all select 'dispatch ' || connection from dispatch where status = 'open' or (status = 'waiting' and run_at <= %(now)s);

-- name: subjects
-- The states of a process' subjects.
select subject, entity, state, version, revision, body from subject where process = %(process)s order by subject;

-- name: under_way
-- How much is still to be read, decided or sent, without what waits for a person: what was handed over or is only proposed, and what may
-- not leave before it, since it is of the same subject or works on the same thing outside.
select (select count(*) from reading) as unread, (select count(*) from arrival) as undecided, (
  select count(*) from command_open c where status in ('ready', 'dispatched') and (status = 'dispatched' or not exists (
    select from command_open e where e.shard = c.shard and e.process = c.process and e.subject = c.subject and (e.position, e.n) <= (c.position, c.n)
      and (e.status in ('would_do', 'proposed', 'handed_over') or exists (
        select from command_open h where h.order_shard = e.order_shard and h.ordering_key = e.ordering_key and h.status = 'handed_over'
          and h.ordering_key <> h.process || '/' || h.subject and (h.process, h.subject) <> (e.process, e.subject)))))) as unsent;

-- name: would_do
-- What would be done outside, with the rule of the decision that asked for it.
select c.entity, c.connection, c.operation, c.correlation, c.body, c.since, f.rule, f.type as because
from command_open c join fact f on f.shard = c.shard and f.position = c.position
where c.status = 'would_do' order by c.since, c.entity, c.correlation;

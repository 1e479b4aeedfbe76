-- name: tell
-- Notes natural keys; returns those that are new. Sorted by the caller, so that two readers can't deadlock.
insert into seen (shard, key, content, receipt, day)
select * from unnest(%(shards)s::smallint[], %(keys)s::bytea[], %(contents)s::bytea[], %(receipts)s::bytea[], %(days)s::date[])
on conflict (shard, key) do nothing
returning shard, key;

-- name: told
-- What was told before under these natural keys.
select s.shard, s.key, s.content, s.receipt
from seen s join unnest(%(shards)s::smallint[], %(keys)s::bytea[]) as asked (shard, key) on s.shard = asked.shard and s.key = asked.key;

-- name: resolve
-- Where references lead: one statement for a whole batch.
select r.shard, r.kind, r.digest, r.process, r.subject
from reference r
join unnest(%(shards)s::smallint[], %(kinds)s::text[], %(digests)s::bytea[]) as asked (shard, kind, digest)
  on r.shard = asked.shard and r.kind = asked.kind and r.digest = asked.digest
order by r.kind, r.digest, r.process, r.subject;

-- name: claim
-- Claims identifying references; returns those that were free. One that is missing from the answer was claimed by somebody else.
insert into reference (shard, kind, digest, process, subject, subject_shard, claim, by, since)
select shard, kind, digest, process, subject, subject_shard, true, by, %(at)s
from unnest(%(shards)s::smallint[], %(kinds)s::text[], %(digests)s::bytea[], %(processes)s::text[], %(subjects)s::text[],
  %(subject_shards)s::smallint[], %(bys)s::bytea[]) as c (shard, kind, digest, process, subject, subject_shard, by)
on conflict do nothing
returning shard, kind, digest, process;

-- name: register
-- References that lead to a subject from now on.
insert into reference (shard, kind, digest, process, subject, subject_shard, by, since)
select shard, kind, digest, process, subject, subject_shard, by, %(at)s
from unnest(%(shards)s::smallint[], %(kinds)s::text[], %(digests)s::bytea[], %(processes)s::text[], %(subjects)s::text[],
  %(subject_shards)s::smallint[], %(bys)s::bytea[]) as c (shard, kind, digest, process, subject, subject_shard, by)
on conflict do nothing;

-- name: own
-- Claims that lead to a subject, of facts that it took in: from now on they are these facts'.
update reference r set by = c.by
from unnest(%(shards)s::smallint[], %(kinds)s::text[], %(digests)s::bytea[], %(processes)s::text[], %(subjects)s::text[],
  %(subject_shards)s::smallint[], %(bys)s::bytea[]) as c (shard, kind, digest, process, subject, subject_shard, by)
where r.shard = c.shard and r.kind = c.kind and r.digest = c.digest and r.process = c.process and r.subject = c.subject
  and r.claim and r.by <> c.by;

-- name: give_back
-- What a disowned fact had claimed for a subject.
delete from reference r using unnest(%(subject_shards)s::smallint[], %(processes)s::text[], %(subjects)s::text[], %(bys)s::bytea[])
  as d (subject_shard, process, subject, by)
where r.subject_shard = d.subject_shard and r.process = d.process and r.subject = d.subject and r.by = d.by and r.claim;

-- name: lanes
-- The lanes of subjects that exist.
select s.process, s.subject, s.lane from subject s
join unnest(%(shards)s::smallint[], %(processes)s::text[], %(subjects)s::text[]) as asked (shard, process, subject)
  on s.shard = asked.shard and s.process = asked.process and s.subject = asked.subject;

-- name: park
-- A fact or look-up whose references lead nowhere yet.
insert into parked (shard, id, kind, process, subject, since, until, arrival, sealed_body, data_key)
select shard, id, kind, process, subject, %(since)s, until, arrival, sealed_body, data_key
from unnest(%(shards)s::smallint[], %(ids)s::bytea[], %(kinds)s::text[], %(processes)s::text[], %(subjects)s::text[],
  %(untils)s::timestamptz[], %(arrivals)s::bytea[], %(sealed)s::bytea[], %(data_keys)s::bytea[])
  as p (shard, id, kind, process, subject, until, arrival, sealed_body, data_key)
on conflict do nothing;

-- name: park_references
-- What a parked fact or look-up waits for.
insert into parked_reference (shard, kind, digest, process, parked_shard, parked, strength, value)
select * from unnest(%(shards)s::smallint[], %(kinds)s::text[], %(digests)s::bytea[], %(processes)s::text[],
  %(parked_shards)s::smallint[], %(parked)s::bytea[], %(strengths)s::smallint[], %(values)s::text[])
on conflict do nothing;

-- name: rejoin
-- Parked facts and look-ups of which a reference leads somewhere by now, or whose deadline has passed.
select p.shard, p.id, p.kind, p.process, p.subject, p.since, p.arrival, p.sealed_body, p.data_key, p.until <= %(now)s as expired
from parked p
where p.kind <> 'poison' and (p.until <= %(now)s or exists (
  select from parked_reference w join reference r on r.shard = w.shard and r.kind = w.kind and r.digest = w.digest and r.process = w.process
  where w.parked_shard = p.shard and w.parked = p.id))
order by p.until, p.shard, p.id limit %(limit)s
for update of p skip locked;

-- name: hits
-- All that the references of these parked ones lead to.
select w.parked, w.strength, w.kind, w.value, r.process, r.subject
from parked_reference w join reference r on r.shard = w.shard and r.kind = w.kind and r.digest = w.digest and r.process = w.process
where w.parked = any(%(ids)s::bytea[])
order by w.parked, w.strength, r.process, r.subject;

-- name: unpark
-- They go on.
with gone as (delete from parked where id = any(%(ids)s::bytea[]) and shard = any(%(shards)s::smallint[]) returning id)
delete from parked_reference where parked in (select id from gone);


-- `= any(array[x])`, here and there, says no more than `= x`, and only to an index: where a queue was found empty, a plan would else compare each row
-- of a batch with each that waits, and be kept for when the queue is full.

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
-- What is parked and waits for one of them is woken.
with claimed as (
  insert into reference (shard, kind, digest, process, subject, subject_shard, claim, by, since)
  select shard, kind, digest, process, subject, subject_shard, true, by, %(at)s
  from unnest(%(shards)s::smallint[], %(kinds)s::text[], %(digests)s::bytea[], %(processes)s::text[], %(subjects)s::text[],
    %(subject_shards)s::smallint[], %(bys)s::bytea[]) as c (shard, kind, digest, process, subject, subject_shard, by)
  on conflict do nothing
  returning shard, kind, digest, process),
waking as (
  insert into woken (shard, parked) select distinct w.parked_shard, w.parked from claimed c
  cross join lateral (select parked_shard, parked from parked_reference p
    where p.shard = c.shard and p.kind = c.kind and p.digest = c.digest and p.process = c.process offset 0) w
  order by w.parked_shard, w.parked on conflict do nothing)
select shard, kind, digest, process from claimed;

-- name: register
-- References that lead to a subject from now on. What is parked and waits for one of them is woken.
with registered as (
  insert into reference (shard, kind, digest, process, subject, subject_shard, by, since)
  select shard, kind, digest, process, subject, subject_shard, by, %(at)s
  from unnest(%(shards)s::smallint[], %(kinds)s::text[], %(digests)s::bytea[], %(processes)s::text[], %(subjects)s::text[],
    %(subject_shards)s::smallint[], %(bys)s::bytea[]) as c (shard, kind, digest, process, subject, subject_shard, by)
  on conflict do nothing
  returning shard, kind, digest, process)
insert into woken (shard, parked) select distinct w.parked_shard, w.parked from registered r
cross join lateral (select parked_shard, parked from parked_reference p
  where p.shard = r.shard and p.kind = r.kind and p.digest = r.digest and p.process = r.process offset 0) w
order by w.parked_shard, w.parked on conflict do nothing;

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

-- name: put_arrivals
-- Facts on their way to the shards that decide them. Parameters are named as the columns.
insert into arrival (shard, lane, at, item, key, process, subject, entity, type, type_version, natural_key, origin, receipt, cause_shard,
  cause_position, body, sealed_body, data_key, actor, on_behalf_of, reason, occurred_at, received_at, sender_order, hops)
select * from unnest(%(shard)s::smallint[], %(lane)s::smallint[], %(at)s::timestamptz[], %(item)s::integer[], %(key)s::bytea[],
  %(process)s::text[], %(subject)s::text[], %(entity)s::text[], %(type)s::text[], %(type_version)s::smallint[], %(natural_key)s::text[],
  %(origin)s::text[], %(receipt)s::bytea[], %(cause_shard)s::smallint[], %(cause_position)s::bigint[], %(body)s::bytea[],
  %(sealed_body)s::bytea[], %(data_key)s::bytea[], %(actor)s::text[], %(on_behalf_of)s::text[], %(reason)s::text[],
  %(occurred_at)s::timestamptz[], %(received_at)s::timestamptz[], %(sender_order)s::text[], %(hops)s::smallint[]);

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

-- name: look_round
-- Of what was woken, and of what is parked behind a place, so many each: whether a reference leads on. Two sides that missed each other while
-- committing woke nobody: what is parked is looked at in turn for them, a part at a time, since all of it each second is work.
-- A fact is led on by a reference that leads to one subject, and no stronger one to others alone; a look-up by any that leads anywhere.
-- Limited, as a plan may join all of both at once for an `exists`, and a reference may lead to thousands; in order, so that the index is used.
select l.shard, l.id, l.woken, (
    select true from parked_reference w
    cross join lateral (select count(*) as subjects, min(f.subject) as subject from (
      select r.subject from reference r where r.shard = w.shard and r.kind = w.kind and r.digest = w.digest and r.process = w.process
      order by r.subject limit 2) f) one
    where w.parked = l.id and w.parked_shard = l.shard and one.subjects > 0 and case one.subjects
      when 1 then (select true from parked_reference v
        where v.parked = w.parked and v.parked_shard = w.parked_shard and v.strength < w.strength
          and (select true from reference r where r.shard = v.shard and r.kind = v.kind and r.digest = v.digest and r.process = v.process
            order by r.subject limit 1)
          and (select true from reference r where r.shard = v.shard and r.kind = v.kind and r.digest = v.digest and r.process = v.process
            and r.subject = one.subject) is null
        limit 1) is null
      else (select p.kind = 'lookup' from parked p where p.shard = l.shard and p.id = l.id) end
    limit 1) is not null as leads
from (
  (select shard, parked as id, true as woken from woken order by shard, parked limit %(limit)s)
  union all (select shard, id, false from parked where kind <> 'poison' and (shard, id) > (%(shard)s, %(after)s) order by shard, id limit %(limit)s)) l
order by l.woken, l.shard, l.id;

-- name: rest
-- Nothing leads these on any more.
delete from woken w using unnest(%(shards)s::smallint[], %(ids)s::bytea[]) as r (shard, id) where w.shard = any(array[r.shard]) and w.parked = r.id;

-- name: rejoin
-- Parked facts and look-ups whose deadline has passed, and those that are led on.
with on_their_way as (
  (select shard, id from parked where kind <> 'poison' and until <= %(now)s order by until, shard, id limit %(limit)s)
  union select shard, id from unnest(%(shards)s::smallint[], %(ids)s::bytea[]) as led (shard, id))
select p.shard, p.id, p.kind, p.process, p.subject, p.since, p.arrival, p.sealed_body, p.data_key, p.until <= %(now)s as expired
from on_their_way o join parked p on p.shard = any(array[o.shard]) and p.id = o.id
where p.kind <> 'poison'
order by p.until - interval '0', p.shard, p.id limit %(limit)s
for update of p skip locked;

-- name: hits
-- All that the references of these parked ones lead to.
select w.parked, w.strength, w.kind, w.value, r.process, r.subject
from parked_reference w join reference r on r.shard = w.shard and r.kind = w.kind and r.digest = w.digest and r.process = w.process
where w.parked = any(%(ids)s::bytea[])
order by w.parked, w.strength, r.process, r.subject;

-- name: asked_of
-- The look-ups of these subjects that wait still. One subject after the other: as a join, all look-ups might be read.
select p.process, p.subject, p.arrival
from unnest(%(shards)s::smallint[], %(processes)s::text[], %(subjects)s::text[]) as asked (shard, process, subject)
cross join lateral (
  select w.process, w.subject, w.arrival from parked w
  where w.shard = asked.shard and w.process = asked.process and w.subject = asked.subject and w.kind = 'lookup' and w.until > %(now)s offset 0) p;

-- name: leave
-- They are left to a newer release for a while, and stand in nobody's way meanwhile.
update parked p set until = %(until)s from unnest(%(shards)s::smallint[], %(ids)s::bytea[]) as l (shard, id)
where p.shard = any(array[l.shard]) and p.id = l.id;

-- name: unpark
-- They go on.
with gone as (delete from parked where id = any(%(ids)s::bytea[]) and shard = any(%(shards)s::smallint[]) returning id),
rested as (delete from woken where parked = any(%(ids)s::bytea[]) and shard = any(%(shards)s::smallint[]))
delete from parked_reference where parked = any(array(select id from gone));


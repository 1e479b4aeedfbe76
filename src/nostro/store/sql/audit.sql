-- name: heads
-- Where all shards stand, in one snapshot.
select shard, position, head from shard order by shard;

-- name: newest_checkpoint
-- The last one that was signed, and whether its head stands outside the database.
select number, at, heads, previous, digest, signature, key_id, anchored_at from checkpoint order by number desc limit 1;

-- name: unsealed_since
-- When the oldest fact was decided that the newest checkpoint does not seal; null where it seals all. One probe by the log's key for each shard that
-- has grown since.
with sealed as materialized (
  select h.key::smallint as shard, split_part(h.value, ':', 1)::bigint as position
  from (select heads from checkpoint order by number desc limit 1) c cross join lateral json_each_text(convert_from(c.heads, 'UTF8')::json) h)
select min(f.decided_at) as since from shard s left join sealed on sealed.shard = s.shard
cross join lateral (select decided_at from fact where shard = s.shard and position > coalesce(sealed.position, 0) order by position limit 1) f
where s.position > coalesce(sealed.position, 0);

-- name: life
-- Which life of the database this is, and whether it may be sealed: in quarantine it may be the wrong database.
select epoch, quarantine from deployment;

-- name: add_checkpoint
-- Signed heads. The number is the primary key: two signers can't both be next.
insert into checkpoint (number, at, heads, previous, digest, signature, key_id)
values (%(number)s, %(at)s, %(heads)s, %(previous)s, %(digest)s, %(signature)s, %(key_id)s);

-- name: anchored
-- The head of this checkpoint stands outside the database now.
update checkpoint set anchored_at = %(at)s where number = %(number)s;

-- name: newest_anchored
-- The newest checkpoint of which it is known that it stood outside the database.
select number from checkpoint where anchored_at is not null order by number desc limit 1;

-- name: checkpoints
-- All of them, in order, from a number on.
select number, at, heads, previous, digest, signature, key_id from checkpoint where number > %(after)s order by number limit %(limit)s;

-- name: chain
-- A stretch of a shard's log, in order.
select shard, position, month, process, version, subject, revision, entity, type, type_version, natural_key, origin, receipt, item, cause_shard,
  cause_position, body, sealed_body, data_key, state_before, state_after, rule, decided, bundle, actor, on_behalf_of, reason, occurred_at,
  received_at, decided_at, sender_order, leaf
from fact where shard = %(shard)s and position > %(after)s order by position limit %(limit)s;

-- name: behind_heads
-- The first fact of each shard that stands behind the shard's end, as both are at one instant: nobody appends there.
select s.shard, f.position from shard s
cross join lateral (select position from fact where shard = s.shard and position > s.position order by position limit 1) f order by s.shard;

-- name: unread_receipts
-- Facts that say that a receipt was read, whose receipt is gone or another one.
select f.shard, f.position, encode(f.receipt, 'hex') as receipt from fact f
where f.type = 'receipt.read' and f.receipt is not null and not exists (select from receipt r where r.id = f.receipt)
order by f.shard, f.position limit %(limit)s;

-- name: keys_of_party
-- The data keys of a person, by blind index. Destroyed ones too: an erasure that was cut behind them is gone on with from there.
select id, held_until, destroyed_at from data_key where party = any(%(parties)s::bytea[]) order by id;

-- name: destroy_keys
-- Erases: without its wrapped form a data key opens nothing any more.
update data_key set wrapped = null, destroyed_at = %(at)s, destroyed_by = %(actor)s
where id = any(%(ids)s::bytea[]) and (held_until is null or held_until <= %(at)s);

-- name: receipts_of_keys
-- Receipts from which facts under these keys were read, be they decided or waiting still, and whose bytes are there still, and whether they speak of
-- nobody else: all that was read from them is in the log, under these keys or such as were destroyed before. It is not while something of them waits to
-- be read, routed or decided, nor where the newest reading rejected an item, or knew one from elsewhere.
-- What is parked is bytes, which may have been damaged: no cast may fail on them.
with told as ( -- an outcome's receipt is a reply, under no person's key
  select receipt from fact where data_key = any(%(ids)s::bytea[]) and receipt is not null and type <> 'command.settled'
  union select receipt from arrival where data_key = any(%(ids)s::bytea[]) and receipt is not null and type <> 'command.settled'
  union select decode(substring(encode(arrival, 'escape') from '"receipt":"((?:[0-9a-f]{2})+)"'), 'hex') from parked
    where data_key = any(%(ids)s::bytea[]) and position('"type":"command.settled"' in encode(arrival, 'escape')) = 0),
theirs as materialized (select r.shard, r.id from receipt r where r.wrapped is not null and r.id in (select receipt from told where receipt is not null))
select t.id as receipt, coalesce(
  not exists (select from fact f join data_key k on k.id = f.data_key and k.wrapped is not null
    where f.receipt = t.id and f.data_key <> all(%(ids)s::bytea[]) and f.type <> 'command.settled')
  and not exists (select from reading q where q.shard = t.shard and q.receipt = t.id)
  and not exists (select from arrival a where a.receipt = t.id)
  and not exists (select from parked p where position(convert_to('"receipt":"' || encode(t.id, 'hex') || '"', 'UTF8') in p.arrival) > 0)
  and (
    select (convert_from(f.body, 'UTF8')::json ->> 'items')::integer - (convert_from(f.body, 'UTF8')::json ->> 'ignored')::integer
    from fact f where f.receipt = t.id and f.type = 'receipt.read' order by f.position desc limit 1)
    <= (select count(distinct f.item) from fact f where f.receipt = t.id and f.item > 0 and f.type <> 'command.settled'), false) as alone
from theirs t order by t.id;

-- name: destroy_receipts
-- The raw bytes of receipts that speak of nobody else.
update receipt set wrapped = null where id = any(%(ids)s::bytea[]) and wrapped is not null;

-- name: subjects_of_keys
-- Subjects that took in facts under these keys.
select distinct shard, process, subject from fact where data_key = any(%(ids)s::bytea[]) order by shard, process, subject;

-- name: drop_references
-- A person's own identifiers lead nowhere any more.
delete from reference where digest = any(%(digests)s::bytea[]) and kind = any(%(kinds)s::text[]);

-- name: as_sealer
-- For this database transaction only the sealer's rights.
set local role nostro_checkpoint;

-- name: one_sealer
-- Two sealers take turns.
select pg_advisory_xact_lock(28548172401);

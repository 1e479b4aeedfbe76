-- name: add_receipt
-- What arrived. It comes last of all that belongs to it: who sees the row sees every part.
insert into receipt (shard, id, month, connection, kind, name, event_id, digest, size, parts, sealed, wrapped, master, signed, status, correlation,
  received_at)
values (%(shard)s, %(id)s, %(month)s, %(connection)s, %(kind)s, %(name)s, %(event_id)s, %(digest)s, %(size)s, %(parts)s, %(sealed)s, %(wrapped)s,
  %(master)s, %(signed)s, %(status)s, %(correlation)s, %(received_at)s);

-- name: add_part
-- A part of what is too large for its row.
insert into receipt_part (shard, receipt, n, month, sealed) values (%(shard)s, %(id)s, %(n)s, %(month)s, %(sealed)s);

-- name: add_reading
-- A receipt that waits to be read for the first time.
insert into reading (shard, receipt, month, lane, number, run_at)
values (%(shard)s, %(id)s, %(month)s, %(lane)s, 1, %(received_at)s);

-- name: keep_together
-- Small receipts that came at the same time, in one round trip: their identities, and of those that are new the reading that waits
-- and the receipt. Returns those. Sorted by the caller, so that two groups can't deadlock. A lane of null: it is kept and not read.
with asked as materialized (
  select * from unnest(%(shards)s::smallint[], %(keys)s::bytea[], %(contents)s::bytea[], %(days)s::date[], %(ids)s::bytea[], %(months)s::date[],
    %(lanes)s::smallint[], %(connections)s::text[], %(kinds)s::text[], %(names)s::text[], %(event_ids)s::text[], %(digests)s::bytea[],
    %(sizes)s::bigint[], %(sealed)s::bytea[], %(wrapped)s::bytea[], %(signed)s::boolean[], %(statuses)s::smallint[],
    %(correlations)s::text[], %(received_ats)s::timestamptz[])
  as r (shard, key, content, day, id, month, lane, connection, kind, name, event_id, digest, size, sealed, wrapped, signed, status, correlation,
    received_at)),
told as (
  insert into seen (shard, key, content, receipt, day) select shard, key, content, id, day from asked
  on conflict (shard, key) do nothing returning shard, key),
waiting as (
  insert into reading (shard, receipt, month, lane, number, run_at)
  select shard, id, month, lane, 1, received_at from asked join told using (shard, key) where lane is not null)
insert into receipt (shard, id, month, connection, kind, name, event_id, digest, size, parts, sealed, wrapped, master, signed, status, correlation,
  received_at)
select shard, id, month, connection, kind, name, event_id, digest, size, 0, sealed, wrapped, %(master)s, signed, status, correlation, received_at
from asked join told using (shard, key)
returning id;

-- name: receipt_by_id
-- A receipt by its id; without a month all partitions are asked.
select shard, id, month, connection, kind, name, event_id, digest, size, parts, sealed, wrapped, master, signed, status, correlation, received_at
from receipt where shard = %(shard)s and id = %(id)s and (%(month)s::date is null or month = %(month)s);

-- name: receipts_by_id
-- Receipts by their ids.
select shard, id, month, connection, kind, name, event_id, digest, size, parts, sealed, wrapped, master, signed, status, correlation, received_at
from receipt where shard = any(%(shards)s::smallint[]) and id = any(%(ids)s::bytea[]);

-- name: receipt_part
-- One part of a large receipt.
select sealed from receipt_part where shard = %(shard)s and receipt = %(id)s and n = %(n)s and month = %(month)s;

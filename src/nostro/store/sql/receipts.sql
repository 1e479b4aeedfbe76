-- name: add_receipt
-- What arrived. It comes last of all that belongs to it: who sees the row sees every part.
insert into receipt (shard, id, month, connection, kind, name, event_id, digest, size, parts, sealed, wrapped, master, signed, status, correlation,
  received_at)
values (%(shard)s, %(id)s, %(month)s, %(connection)s, %(kind)s, %(name)s, %(event_id)s, %(digest)s, %(size)s, %(parts)s, %(sealed)s, %(wrapped)s,
  %(master)s, %(signed)s, %(status)s, %(correlation)s, %(received_at)s);

-- name: add_reading
-- A receipt that waits to be read for the first time.
insert into reading (shard, receipt, month, lane, number, run_at)
values (%(shard)s, %(id)s, %(month)s, %(lane)s, 1, %(received_at)s);

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

-- name: deploy
-- Once in a database's life.
insert into deployment (id, shards, environment, index_check, installed_at)
values (%(id)s, %(shards)s, %(environment)s, %(check)s, %(at)s) on conflict do nothing
returning id;

-- name: make_shards
-- Every shard begins at its genesis and is held by nobody: leases live on machine time, and business may be ahead of it.
insert into shard (shard, head, until)
select shard, head, 'epoch' from unnest(%(shards)s::smallint[], %(heads)s::bytea[]) as s (shard, head);

-- name: deployment
-- What this database is.
select id, environment, index_check, epoch, quarantine from deployment;

-- name: ensure_key
-- Makes a data key unless its name is taken; returns nothing when somebody else was first.
insert into data_key (id, entity, class, party, period, wrapped, master, created_at)
values (%(id)s, %(entity)s, %(retention)s, %(party)s, %(period)s, %(wrapped)s, %(master)s, %(at)s)
on conflict (entity, class, coalesce(party, ''::bytea), period) where destroyed_at is null do nothing
returning id, wrapped, master;

-- name: key_by_name
-- The living data key with a name.
select id, wrapped, master from data_key
where entity = %(entity)s and class = %(retention)s and coalesce(party, ''::bytea) = coalesce(%(party)s::bytea, ''::bytea)
  and period = %(period)s and destroyed_at is null;

-- name: dead_keys
-- Which of these were destroyed; the others can't be until this database transaction ends.
select id from (select id, wrapped from data_key where id = any(%(ids)s::bytea[]) order by id for share) k where wrapped is null;

-- name: count_erasure
-- One erasure more: who has data keys in memory hears of it. At the end of its database transaction, as erasures wait for each other here.
insert into lease (kind, name, token, until) values ('erasures', '', 1, 'epoch')
on conflict (kind, name, slot) do update set token = lease.token + 1;

-- name: erasures
-- How many there were.
select coalesce(max(token), 0) as count from lease where kind = 'erasures' and name = '';

-- name: keys_by_id
-- Data keys to open blobs with; a destroyed one has no wrapped form.
select id, wrapped, master from data_key where id = any(%(ids)s::bytea[]);

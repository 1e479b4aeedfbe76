-- name: length
-- How many facts the log holds, to show how far a replay is.
select coalesce(sum(position), 0)::bigint as facts from shard;

-- name: sample
-- Subjects of a shard to hold against the log; each day others.
select process, subject from subject where shard = %(shard)s
order by md5(process || '/' || subject || %(day)s), process, subject limit %(limit)s;

-- name: subject
-- Up to which fact a state row has come.
select position, poisoned from subject where shard = %(shard)s and process = %(process)s and subject = %(subject)s;

-- name: state_rows
-- State rows as they are, locked for nobody: a worker may go on meanwhile. Columns as those of `subjects`.
select s.shard, s.process, s.subject, s.entity, s.version, s.revision, s.state, s.lane, s.body, s.sealed_body, s.data_key, s.absorbed,
  s.deadline_revision, s.position, s.poisoned
from subject s join unnest(%(shards)s::smallint[], %(processes)s::text[], %(subjects)s::text[]) as asked (shard, process, subject)
  on s.shard = asked.shard and s.process = asked.process and s.subject = asked.subject;

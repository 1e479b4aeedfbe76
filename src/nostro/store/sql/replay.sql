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

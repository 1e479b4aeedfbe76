-- name: waiting_command
-- A command that hasn't ended, or that failed for good, with the place of the fact that asked for it, and its subject.
with named as (
    select shard, key_text, correlation, process, subject, entity, connection, operation, status, body, position, since, note, dispatch
    from command_open where shard = %(shard)s and key = %(key)s
    union all
    select shard, key_text, correlation, process, subject, entity, connection, operation, outcome, body, position, since, note, dispatch
    from command_closed where correlation = %(correlation)s and shard = %(shard)s and key = %(key)s and outcome = 'failed'
)
select named.*, s.version, s.body as state from named
left join subject s on s.shard = named.shard and s.process = named.process and s.subject = named.subject;

-- name: command_of_correlation
-- The key of an open or failed command by the id under which it is known outside. In parts, for the index of those that may be outside.
select key_text from command_open where correlation = %(correlation)s and status <> 'ready'
union all select key_text from command_open where correlation = %(correlation)s and status = 'ready'
union all select key_text from command_closed where correlation = %(correlation)s and outcome = 'failed'
order by key_text limit 1;

-- name: failed_commands
-- What failed for good of a subject's steps and was not asked for again: the generation is the end of a key.
with known as (
    select key_text, correlation, outcome from command_closed
    where shard = %(shard)s and process = %(process)s and subject = %(subject)s
    union all
    select key_text, correlation, status from command_open
    where shard = %(shard)s and process = %(process)s and subject = %(subject)s
), newest as (
    select distinct on (regexp_replace(key_text, '/[0-9]+$', '')) key_text, correlation, outcome from known
    order by regexp_replace(key_text, '/[0-9]+$', ''), substring(key_text from '[0-9]+$')::integer desc
)
select key_text, correlation from newest where outcome = 'failed' order by key_text limit 50;

-- name: proposers
-- Who told the fact that a command follows from, and who said what the subject's money belongs to.
select distinct actor, on_behalf_of from fact
where shard = %(shard)s and process = %(process)s and subject = %(subject)s
  and (position = %(position)s or type = 'match.confirmed')
order by actor, on_behalf_of;

-- name: case_of
-- A case by its id, open or closed.
select id, process, subject, entity, reason, sentence, currency, minor, candidates, opened_at, closed_at
from exception_case where id = %(id)s;

-- name: subject_of
-- Where a subject stands.
select process, subject, entity, version, state, revision, body from subject
where shard = %(shard)s and process = %(process)s and subject = %(subject)s;

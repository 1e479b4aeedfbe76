-- name: waiting_command
-- A command that hasn't ended, with the place of the fact that asked for it.
select shard, key_text, correlation, process, subject, entity, connection, operation, status, body, position, since, note
from command_open where shard = %(shard)s and key = %(key)s;

-- name: command_of_correlation
-- The key of an open command by the id under which it is known outside, or by its own text.
select key_text from command_open where correlation = upper(%(text)s) or key_text = %(text)s order by key_text limit 1;

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
select process, subject, entity, state, revision from subject
where shard = %(shard)s and process = %(process)s and subject = %(subject)s;

-- name: waiting_command
-- A command that hasn't ended, or that failed for good, with the place of the fact that asked for it, and its subject; and whether every worker can
-- read what was seen of it, and ids.
with named as (
    select shard, key_text, correlation, process, subject, entity, connection, operation, status, body, position, since, note, dispatch
    from command_open where shard = %(shard)s and key = %(key)s
    union all
    select shard, key_text, correlation, process, subject, entity, connection, operation, outcome, body, position, since, note, dispatch
    from command_closed where correlation = %(correlation)s and shard = %(shard)s and key = %(key)s and outcome = 'failed'
)
select named.*, s.version, s.revision, s.body as state, t.words_as_seen, t.words_with_ids from named cross join deployment t
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
-- Who told the fact that a command follows from, or one that led to it at whatever subject; and who said what the money of any of these subjects
-- belongs to. A word about a command leads up to what that command followed from: of another try, by the end of the one before. Who let an earlier
-- command go has proposed nothing of what follows, and what the engine or a connection told on somebody's behalf is his as far as a fact above says so.
-- Nor has who was not heard.
with recursive led as (
  select shard, position, process, subject, type, origin, body, actor, on_behalf_of, cause_shard, cause_position from fact
  where shard = %(shard)s and position = %(position)s
  union
  select c.shard, c.position, c.process, c.subject, c.type, c.origin, c.body, c.actor, c.on_behalf_of, c.cause_shard, c.cause_position
  from led l cross join lateral (
    select f.shard, f.position, f.process, f.subject, f.type, f.origin, f.body, f.actor, f.on_behalf_of, f.cause_shard, f.cause_position
    from fact f where f.shard = l.cause_shard and f.position = l.cause_position
    union all
    select f.shard, f.position, f.process, f.subject, f.type, f.origin, f.body, f.actor, f.on_behalf_of, f.cause_shard, f.cause_position
    from fact f where l.type = 'command.released' and f.shard = l.shard and f.process = l.process and f.subject = l.subject
      and f.type = 'command.settled' and f.position < l.position
      and f.natural_key = (convert_from(l.body, 'UTF8')::json ->> 'key') || '/failed') c),
told as (
  select actor, case when origin in ('people', 'engine') then on_behalf_of else '' end as on_behalf_of from led
  where origin = 'people' and type <> 'command.released' or shard = %(shard)s and position = %(position)s
  union
  select m.actor, m.on_behalf_of from (select distinct shard, process, subject from led) l
  join fact m on m.shard = l.shard and m.process = l.process and m.subject = l.subject and m.type = 'match.confirmed'
    and m.rule <> %(unheard)s)
select actor, on_behalf_of from told order by actor, on_behalf_of;

-- name: case_of
-- A case by its id, open or closed; its subject, if there is one, and how much of what came for that is set aside; and whether every worker can read
-- what was seen of it.
select c.id, c.process, c.subject, c.entity, c.reason, c.sentence, c.currency, c.minor, c.candidates, c.opened_at, c.closed_at, t.acts_as_seen,
  s.version, s.revision, s.body as state, s.poisoned, (
    select count(*) from parked p where p.shard = c.shard and p.process = c.process and p.subject = c.subject and p.kind = 'poison') as set_aside
from exception_case c cross join deployment t
left join subject s on s.shard = c.shard and s.process = c.process and s.subject = c.subject
where c.id = %(id)s;

-- name: subject_of
-- Where a subject stands; and whether every worker can read what was seen of it.
select s.process, s.subject, s.entity, s.version, s.state, s.revision, s.body, t.acts_as_seen from subject s cross join deployment t
where shard = %(shard)s and process = %(process)s and subject = %(subject)s;

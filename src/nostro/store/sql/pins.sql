-- name: stop
-- Whether a connection is stopped, and whether its case still waits for a person.
select s.why, c.closed_at is null as waits from stop s left join exception_case c on c.shard = s.case_shard and c.id = s.case_id
where s.connection = %(connection)s;

-- name: set_stop
-- Nothing is read from this connection and nothing sent to it, until a person has closed the case.
insert into stop (connection, why, case_shard, case_id, since) values (%(connection)s, %(why)s, %(shard)s, %(case_id)s, %(at)s)
on conflict (connection) do nothing;

-- name: free
-- A person has closed the case.
delete from stop where connection = %(connection)s;

-- name: open_case
-- For a person; what has to be done again is listed with it.
insert into exception_case (shard, id, process, subject, entity, reason, sentence, candidates, opened_at, position)
values (%(shard)s, %(id)s, %(process)s, %(subject)s, '', %(reason)s, %(sentence)s, %(candidates)s, %(at)s, 0)
on conflict do nothing;

-- name: effects_beyond
-- Effects that were done there since, with an entry that is newer than the newest one there is now (`gone`); and what was done after
-- the first of them, which nobody can tell by an id: a match, an invoice that was opened again, a line whose id a person has told. `lost` and `affected`
-- count also what the limit leaves out.
with effect as materialized (
  select correlation, operation, closed_at, greatest((told ->> 'move')::bigint, (told ->> 'entry')::bigint) as entry
  from command_closed cross join lateral (select convert_from(ids, 'UTF8')::jsonb as told) as t
  where connection = %(connection)s and month >= date_trunc('month', %(month)s::date)::date and closed_at >= %(since)s
    and outcome in ('done', 'adopted')
)
select correlation, operation, entry, coalesce(entry > %(newest)s, false) as gone,
  count(*) filter (where entry > %(newest)s) over () as lost, count(*) over () as affected
from effect
where closed_at >= (select min(closed_at) from effect where entry > %(newest)s)
order by closed_at, correlation limit %(limit)s;

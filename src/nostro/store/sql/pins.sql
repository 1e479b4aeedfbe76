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
-- Effects that were done there since, with an id that is newer than the newest one there is now.
select correlation, operation, (convert_from(ids, 'UTF8')::jsonb ->> 'move')::bigint as move from command_closed
where connection = %(connection)s and month >= date_trunc('month', %(month)s::date)::date and closed_at >= %(since)s
  and outcome in ('done', 'adopted') and (convert_from(ids, 'UTF8')::jsonb ->> 'move')::bigint > %(newest)s
order by move limit %(limit)s;

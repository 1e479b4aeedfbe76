-- phase: before the new code
-- Recoveries after restores: a cache of the facts `recovery.opened` and `recovery.closed`, written with them.
create table recovery (
    epoch integer primary key, -- even: the life of the database that began with it; closing begins the next one
    since timestamptz not null, -- business time: everything up to then is in the log
    kept bigint not null, -- newest checkpoint that this database shares with the lives before it
    lost bigint not null, -- newest checkpoint that was anchored in them
    opened_at timestamptz not null,
    opened_by text not null,
    opened_for text not null,
    reason text not null,
    closed_at timestamptz,
    closed_by text
);
-- The next poll of a feed begins as if nothing newer than this had been seen.
alter table feed add column rewind_to timestamptz;
grant select (epoch, quarantine) on deployment to nostro_checkpoint;
-- Connections that are stopped: behind them is another database than before. The case says why.
create table stop (
    connection text primary key,
    why text not null,
    case_shard smallint not null,
    case_id text not null,
    since timestamptz not null
);

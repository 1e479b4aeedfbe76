-- phase: before the new code
-- What is parked and a new reference leads on: looked at with the next step, however much else is parked.
create table woken (
    shard smallint not null, -- of what is parked
    parked bytea not null,
    primary key (shard, parked)
);

-- phase: before the new code
-- The role under which checkpoints are signed: reads heads, adds checkpoints, and can change nothing that it seals.
do $$
begin
    if not exists (select from pg_roles where rolname = 'nostro_checkpoint') then
        create role nostro_checkpoint nologin;
    end if;
exception when duplicate_object or unique_violation then
    null; -- another database of this server was first
end
$$;
grant select on shard, checkpoint to nostro_checkpoint;
grant insert on checkpoint to nostro_checkpoint;
do $$
begin
    execute format('grant nostro_checkpoint to %I', current_user);
end
$$;

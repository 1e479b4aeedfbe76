-- phase: before the new code
-- What waits for persons is counted each second, and may be most of the open commands.
create index command_open_at_persons on command_open (connection, status, lane) where status in ('would_do', 'proposed', 'handed_over');

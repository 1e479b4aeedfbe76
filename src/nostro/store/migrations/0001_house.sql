-- phase: before the new code
-- The house in its final shape. Every growing or contended table carries `shard` in its keys, so that it can be distributed by it.
-- Times are parameters: nothing here reads the database's clock. Bodies are canonical UTF-8 bytes; `sealed_body` is AES-GCM under
-- `data_key`; digests of references are HMACs.

-- What this database is, fixed when it is made.
create table deployment (
    one boolean primary key default true check (one),
    id bytea not null,
    shards smallint not null check (shards > 0),
    environment text not null,
    index_check bytea not null, -- HMAC of a constant: tells a wrong master key before it does harm
    epoch integer not null default 1, -- raised by `nostro recover`
    quarantine text not null default '', -- why nothing may leave; empty: it may
    installed_at timestamptz not null
);

-- Landscape, rules and calendars in force, by content.
create table bundle (
    digest bytea primary key,
    content bytea not null,
    published_at timestamptz not null,
    published_by text not null,
    number integer not null unique -- of the publication
);

-- One row a shard: fence (token), order (position), seal (head) and the bundle it decides under.
create table shard (
    shard smallint primary key,
    position bigint not null default 0,
    head bytea not null,
    bundle bytea,
    activations integer not null default 0,
    token bigint not null default 0,
    holder text not null default '',
    until timestamptz not null
) with (fillfactor = 50);

-- Who works, so that shards and slots are shared out.
create table worker (
    id text primary key,
    started_at timestamptz not null,
    seen_at timestamptz not null,
    versions bytea not null
);

-- Leases of everything that isn't a shard: connection slots, feeds, folders, checkpoint, partitions.
create table lease (
    kind text not null,
    name text not null,
    slot smallint not null default 0,
    token bigint not null default 0,
    holder text not null default '',
    until timestamptz not null,
    primary key (kind, name, slot)
) with (fillfactor = 50);

-- Keys. A destroyed key has no `wrapped` any more.
create table data_key (
    id bytea primary key,
    entity text not null,
    class text not null, -- retention class
    party bytea, -- blind index of the person, or null for a key by period
    period text not null default '',
    wrapped bytea,
    master integer not null,
    created_at timestamptz not null,
    held_until timestamptz, -- legal hold
    destroyed_at timestamptz,
    destroyed_by text
);
create unique index data_key_name on data_key (entity, class, coalesce(party, ''::bytea), period) where destroyed_at is null;
create index data_key_party on data_key (party) where party is not null;

-- What arrived. Up to 256 KB inline, else in parts; the row commits last. `wrapped` is the receipt's own data key.
create table receipt (
    shard smallint not null,
    id bytea not null,
    month date not null,
    connection text not null,
    kind text not null, -- webhook, file, poll:<feed>, act, reply
    name text not null default '',
    event_id text not null default '',
    digest bytea not null, -- HMAC-SHA-256 of the bytes as received
    size bigint not null,
    parts integer not null default 0,
    sealed bytea,
    wrapped bytea,
    master integer not null,
    signed boolean not null,
    status smallint, -- HTTP status of a reply
    correlation text not null default '',
    received_at timestamptz not null,
    primary key (shard, id, month)
) partition by range (month);
create table receipt_part (
    shard smallint not null,
    receipt bytea not null,
    n integer not null,
    month date not null,
    sealed bytea not null,
    primary key (shard, receipt, n, month)
) partition by range (month);
alter table receipt_part alter column sealed set storage external;

-- Receipts that wait to be read.
create table reading (
    shard smallint not null,
    receipt bytea not null,
    month date not null,
    lane smallint not null,
    number integer not null, -- the how-manyeth reading
    run_at timestamptz not null, -- business time
    until timestamptz not null default '-infinity', -- machine time: whoever claimed it has it until then
    attempts integer not null default 0, -- claims so far: the fence
    failure text not null default '',
    primary key (shard, receipt, number)
);
create index reading_due on reading (lane, run_at, shard);

-- Uniqueness over all months: receipts by event, facts by natural key, commands by idempotency key.
create table seen (
    shard smallint not null,
    key bytea not null,
    content bytea not null, -- digest of what was told, to notice the same key with another content
    receipt bytea,
    day date not null,
    primary key (shard, key)
) partition by hash (shard);

-- Facts on their way to the shard that decides them.
create table arrival (
    shard smallint not null,
    lane smallint not null,
    at timestamptz not null,
    item integer not null,
    key bytea not null,
    process text not null,
    subject text not null,
    entity text not null,
    type text not null,
    type_version smallint not null,
    natural_key text not null,
    origin text not null,
    receipt bytea,
    cause_shard smallint,
    cause_position bigint,
    body bytea not null,
    sealed_body bytea,
    data_key bytea,
    actor text not null,
    on_behalf_of text not null default '',
    reason text not null default '',
    occurred_at timestamptz not null,
    received_at timestamptz not null,
    sender_order text not null default '',
    primary key (shard, lane, at, item, key)
);

-- Facts and look-ups whose references lead nowhere yet, until `until`. `arrival` is the whole arrival as canonical bytes.
create table parked (
    shard smallint not null,
    id bytea not null,
    kind text not null check (kind in ('fact', 'lookup', 'poison')),
    process text not null, -- facts: the owner; look-ups: who asks
    subject text not null default '',
    since timestamptz not null,
    until timestamptz not null,
    arrival bytea not null,
    sealed_body bytea,
    data_key bytea,
    primary key (shard, id)
);
create index parked_until on parked (until, shard);
create table parked_reference (
    shard smallint not null, -- of (kind, digest), as in reference, so that the join is local
    kind text not null,
    digest bytea not null,
    process text not null, -- the process that a hit must belong to
    parked_shard smallint not null,
    parked bytea not null,
    strength smallint not null, -- 0 is the strongest
    value text not null, -- the reference in clear where its kind isn't personal, for people
    primary key (shard, kind, digest, parked, process)
);

create index parked_reference_of on parked_reference (parked);

-- Which subjects a reference leads to. `claim`: it identifies the subject, so only one per process may hold it.
create table reference (
    shard smallint not null,
    kind text not null,
    digest bytea not null,
    process text not null,
    subject text not null,
    subject_shard smallint not null,
    claim boolean not null default false,
    by bytea not null, -- digest of the fact that claimed or registered it
    since timestamptz not null,
    primary key (shard, kind, digest, process, subject)
);
create unique index reference_claim on reference (shard, kind, digest, process) where claim;
create index reference_subject on reference (subject_shard, process, subject);

-- The log: a fact, the transition that it made and the decision in it.
create table fact (
    shard smallint not null,
    position bigint not null,
    month date not null,
    process text not null,
    version smallint not null,
    subject text not null,
    revision integer not null,
    entity text not null,
    type text not null,
    type_version smallint not null,
    natural_key text not null,
    origin text not null,
    receipt bytea,
    item integer not null,
    cause_shard smallint,
    cause_position bigint,
    body bytea not null,
    sealed_body bytea,
    data_key bytea,
    state_before text not null,
    state_after text not null,
    rule text not null,
    decided bytea not null, -- canonical digest of the decision, for replay
    bundle bytea not null,
    actor text not null,
    on_behalf_of text not null,
    reason text not null,
    occurred_at timestamptz not null,
    received_at timestamptz not null,
    decided_at timestamptz not null, -- business time
    sender_order text not null,
    leaf bytea not null,
    primary key (shard, position, month)
) partition by range (month);
create index fact_subject on fact (shard, process, subject, position);
create index fact_data_key on fact (data_key) where data_key is not null;
create index fact_cause on fact (cause_shard, cause_position) where cause_shard is not null;
create index fact_receipt on fact (receipt) where receipt is not null;

-- A subject's state: a cache of the log, written with it.
create table subject (
    shard smallint not null,
    process text not null,
    subject text not null,
    entity text not null,
    version smallint not null,
    revision integer not null,
    state text not null,
    lane smallint not null,
    body bytea not null,
    sealed_body bytea,
    data_key bytea,
    absorbed bytea not null,
    deadline_revision integer not null default 0,
    position bigint not null,
    poisoned text not null default '',
    primary key (shard, process, subject)
) with (fillfactor = 70);
-- None on what changes with each fact: so its update touches no index (HOT). Read from the end, for people who know the end of an id.
create index subject_ending on subject (reverse(subject) text_pattern_ops);

create table deadline (
    shard smallint not null,
    process text not null,
    subject text not null,
    name text not null,
    due_at timestamptz not null,
    revision integer not null,
    primary key (shard, process, subject)
);
create index deadline_due on deadline (shard, due_at);

-- The transit ledger: money leaves `credit` and enters `debit`.
create table posting (
    shard smallint not null,
    position bigint not null,
    n smallint not null,
    month date not null,
    entity text not null,
    debit text not null,
    credit text not null,
    currency text not null,
    minor bigint not null check (minor >= 0),
    process text not null,
    subject text not null,
    primary key (shard, position, n, month)
) partition by range (month);

-- For a person.
create table exception_case (
    shard smallint not null,
    id text not null,
    process text not null,
    subject text not null,
    entity text not null,
    reason text not null,
    sentence text not null,
    currency text,
    minor bigint,
    candidates bytea not null,
    opened_at timestamptz not null,
    position bigint not null,
    closed_at timestamptz,
    closed_by text,
    primary key (shard, id)
);
create unique index exception_case_open on exception_case (shard, process, subject, reason) where closed_at is null;

-- Commands that haven't ended.
create table command_open (
    shard smallint not null,
    key bytea not null,
    key_text text not null,
    correlation text not null,
    process text not null,
    subject text not null,
    step text not null,
    occurrence integer not null,
    generation integer not null,
    entity text not null,
    connection text not null,
    operation text not null,
    lane smallint not null,
    status text not null check (status in ('would_do', 'proposed', 'ready', 'dispatched', 'handed_over', 'answered')),
    run_at timestamptz not null,
    ordering_key text not null,
    order_shard smallint not null,
    position bigint not null,
    n smallint not null,
    body bytea not null,
    sealed_body bytea,
    data_key bytea,
    bundle bytea not null,
    dispatch bytea,
    actor text not null,
    since timestamptz not null,
    note text not null default '',
    primary key (shard, key)
) with (fillfactor = 70);
create index command_open_ready on command_open (connection, operation, order_shard, lane, since, shard, position, n) where status = 'ready';
create index command_open_subject on command_open (shard, process, subject, position, n);
create index command_open_order on command_open (order_shard, ordering_key);
create index command_open_correlation on command_open (correlation);
create table command_closed (
    shard smallint not null,
    key bytea not null,
    month date not null,
    key_text text not null,
    correlation text not null,
    process text not null,
    subject text not null,
    step text not null,
    entity text not null,
    connection text not null,
    operation text not null,
    outcome text not null,
    ids bytea not null,
    body bytea not null,
    position bigint not null,
    note text not null default '',
    dispatch bytea,
    since timestamptz not null,
    closed_at timestamptz not null,
    primary key (shard, key, month)
) partition by range (month);
create index command_closed_subject on command_closed (shard, process, subject);
create index command_closed_correlation on command_closed (correlation);

-- Who released or discarded a command.
create table approval (
    shard smallint not null,
    key bytea not null,
    act text not null,
    actor text not null,
    on_behalf_of text not null,
    verdict text not null,
    reason text not null,
    at timestamptz not null,
    primary key (shard, key, act)
);

-- A dialogue with frozen members, and its journal. `status`: open, waiting (until run_at), closed.
create table dispatch (
    shard smallint not null,
    id bytea not null,
    connection text not null,
    operation text not null,
    slot smallint not null,
    status text not null check (status in ('open', 'waiting', 'closed', 'held')),
    run_at timestamptz not null,
    began_at timestamptz not null,
    calls integer not null default 0,
    look_up_first boolean not null default false,
    note text not null default '',
    primary key (shard, id)
);
create index dispatch_due on dispatch (connection, status, run_at) where status in ('open', 'waiting');
create table dispatch_member (
    shard smallint not null,
    dispatch bytea not null,
    n smallint not null,
    command_shard smallint not null,
    command_key bytea not null,
    primary key (shard, dispatch, n)
);
create index dispatch_member_command on dispatch_member (command_shard, command_key);
create table attempt_call (
    shard smallint not null,
    dispatch bytea not null,
    n integer not null,
    month date not null,
    call_digest bytea not null,
    started_at timestamptz not null, -- business time: absence counts from here
    deadline timestamptz not null, -- machine time: after it no byte of this call leaves
    reply_receipt bytea,
    reply_month date,
    primary key (shard, dispatch, n, month)
) partition by range (month);

create table breaker (
    connection text primary key,
    state text not null check (state in ('closed', 'open', 'half_open')),
    failures integer not null,
    until timestamptz not null,
    changed_at timestamptz not null
);

-- Where each feed and watched folder stands; `heartbeat_at` also moves when a poll was empty.
create table feed (
    connection text not null,
    name text not null,
    cursor text not null default '',
    run_at timestamptz not null,
    heartbeat_at timestamptz,
    failures integer not null default 0,
    note text not null default '',
    primary key (connection, name)
);

-- Signed heads of all shards, each naming the one before.
create table checkpoint (
    number bigint primary key,
    at timestamptz not null,
    heads bytea not null,
    previous bytea not null,
    digest bytea not null,
    signature bytea not null,
    key_id text not null,
    anchored_at timestamptz
);

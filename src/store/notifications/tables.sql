-- The tables of notifications (`jobdeck serve --notify`), since schema version 6: what each rule has noted, and what it is to
-- send. They are not derived from the documents. A rule that is gone from the file loses its rows.

-- The rules, by their names in the file.
CREATE TABLE notification_rules (
    rule    TEXT PRIMARY KEY,   -- the name
    watches TEXT NOT NULL       -- what it watches for, as JSON; if that changes, what is there is noted anew and not sent
) STRICT, WITHOUT ROWID;

-- The jobs that a rule has noted: it does not send them again while they are as they are.
CREATE TABLE notification_jobs (
    rule       TEXT NOT NULL,                                          -- notification_rules.rule
    event      TEXT NOT NULL CHECK (event IN ('failed', 'stuck')),     -- what the job was noted as
    job_id     TEXT NOT NULL,                                          -- jobs.job_id, in the domain of the rule
    created_at INTEGER NOT NULL,                                       -- jobs.created_at
    PRIMARY KEY (rule, event, job_id)
) STRICT, WITHOUT ROWID;

-- The collectors that a rule has noted.
CREATE TABLE notification_collectors (
    rule         TEXT NOT NULL,                                                     -- notification_rules.rule
    event        TEXT NOT NULL CHECK (event IN ('failed', 'stuck', 'missing')),     -- what the collector was noted as
    collector_id TEXT NOT NULL,                                                     -- jobs.collector_id; '': jobs without one
    sent_at      INTEGER,                                                           -- when that was last put in the outbox
    failed_at    INTEGER,                                                           -- jobs.created_at of the newest failure since the last recovery
    PRIMARY KEY (rule, event, collector_id)
) STRICT, WITHOUT ROWID;

-- The outbox: the events that are not delivered yet, in their order.
CREATE TABLE notification_outbox (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,   -- the id that receivers see
    rule         TEXT NOT NULL,                       -- notification_rules.rule
    event        TEXT NOT NULL,                       -- failed, recovered, stuck or missing
    collector_id TEXT NOT NULL,                       -- the collector; '': jobs without one
    body         TEXT NOT NULL                        -- the event as it is sent, as JSON (src/notify/event.rs)
) STRICT;

CREATE INDEX notification_outbox_by_rule ON notification_outbox (rule, id);

-- The newest deliveries. A rule has at most one that is not done.
CREATE TABLE notification_deliveries (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    rule     TEXT NOT NULL,                           -- notification_rules.rule
    events   INTEGER NOT NULL,                        -- how many events the last attempt had
    attempts INTEGER NOT NULL CHECK (attempts > 0),   -- how often it was tried
    first_at INTEGER NOT NULL,                        -- when it was first tried
    last_at  INTEGER NOT NULL,                        -- when it was last tried
    next_at  INTEGER,                                 -- when it is tried next; NULL: it is done
    status   INTEGER,                                 -- the status of the last answer; NULL: there was none
    answer   TEXT NOT NULL                            -- the beginning of the last answer, or why there was none
) STRICT;

-- The database of jobdeck, schema version 2.
--
-- The document is the one source of truth: every other column of `jobs` is derived from it by the program that writes
-- it (src/job.rs), and `jobdeck check` compares them. The tables of counts are derived from `jobs` by the triggers below.
--
-- Times are integers: milliseconds since 1970-01-01T00:00:00Z.

-- The tenants. A job refers to its domain by the small key, since every index begins with it.
CREATE TABLE domains (
    id        INTEGER PRIMARY KEY,   -- the key
    domain_id TEXT NOT NULL UNIQUE   -- the name that documents and requests use
) STRICT;

-- One row a job.
CREATE TABLE jobs (
    id             INTEGER PRIMARY KEY,                         -- in the order of insertion; never leaves the database
    domain         INTEGER NOT NULL REFERENCES domains (id),    -- the tenant: document.domain_id by its key
    job_id         TEXT NOT NULL CHECK (job_id <> ''),          -- document.job_id, unique within the domain
    status         TEXT NOT NULL CHECK (status IN ('CREATED', 'CANCELED', 'IN_PROGRESS', 'SUCCESS', 'ERROR', 'TIMEOUT')),
    total_tasks    INTEGER NOT NULL CHECK (total_tasks >= 0),   -- tasks in all, 0 to 2147483647
    remained_tasks INTEGER NOT NULL,                            -- tasks not yet done, int32; may be negative
    collector_id   TEXT,                                        -- document.collector_info.collector_id; NULL: it has none
    project_id     TEXT,                                        -- document.project_id; NULL: null
    created_at     INTEGER NOT NULL,                            -- ms; when the job was made
    updated_at     INTEGER NOT NULL,                            -- ms; when it was last written
    finished_at    INTEGER,                                     -- ms; NULL: not finished
    document       TEXT NOT NULL,                               -- canonical JSON, as it is answered (src/job.rs)
    UNIQUE (domain, job_id)
) STRICT;

-- A list without a sort: newest first, the job id between equals.
CREATE INDEX jobs_by_time ON jobs (domain, created_at DESC, job_id);
-- The same of one status.
CREATE INDEX jobs_by_status ON jobs (domain, status, created_at DESC, job_id);
-- The same of one collector and status; also whatever is grouped by those two.
CREATE INDEX jobs_by_collector ON jobs (domain, collector_id, status, created_at DESC, job_id);

-- How many jobs a domain has in each status.
CREATE TABLE status_counts (
    domain INTEGER NOT NULL,                      -- domains.id
    status TEXT NOT NULL,                         -- jobs.status
    jobs   INTEGER NOT NULL CHECK (jobs >= 0),    -- how many; a row may be left at 0
    PRIMARY KEY (domain, status)
) STRICT, WITHOUT ROWID;

-- How many jobs each collector of a domain has in each status. Jobs without a collector are not in it.
CREATE TABLE collector_counts (
    domain       INTEGER NOT NULL,                    -- domains.id
    collector_id TEXT NOT NULL,                       -- jobs.collector_id
    status       TEXT NOT NULL,                       -- jobs.status
    jobs         INTEGER NOT NULL CHECK (jobs >= 0),  -- how many; a row may be left at 0
    PRIMARY KEY (domain, collector_id, status)
) STRICT, WITHOUT ROWID;

-- How many jobs of each status a domain has from each day.
CREATE TABLE day_counts (
    domain INTEGER NOT NULL,                      -- domains.id
    status TEXT NOT NULL,                         -- jobs.status
    day    INTEGER NOT NULL,                      -- of jobs.created_at, in UTC: days since 0000-01-01
    jobs   INTEGER NOT NULL CHECK (jobs >= 0),    -- how many; a row may be left at 0
    PRIMARY KEY (domain, status, day)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER jobs_inserted AFTER INSERT ON jobs BEGIN
    INSERT INTO status_counts VALUES (new.domain, new.status, 1)
        ON CONFLICT DO UPDATE SET jobs = jobs + 1;
    INSERT INTO collector_counts SELECT new.domain, new.collector_id, new.status, 1 WHERE new.collector_id IS NOT NULL
        ON CONFLICT DO UPDATE SET jobs = jobs + 1;
    INSERT INTO day_counts VALUES (new.domain, new.status, (new.created_at + 62167219200000) / 86400000, 1)
        ON CONFLICT DO UPDATE SET jobs = jobs + 1;
END;

CREATE TRIGGER jobs_deleted AFTER DELETE ON jobs BEGIN
    UPDATE status_counts SET jobs = jobs - 1 WHERE domain = old.domain AND status = old.status;
    UPDATE collector_counts SET jobs = jobs - 1
        WHERE domain = old.domain AND collector_id = old.collector_id AND status = old.status;
    UPDATE day_counts SET jobs = jobs - 1
        WHERE domain = old.domain AND status = old.status AND day = (old.created_at + 62167219200000) / 86400000;
END;

CREATE TRIGGER jobs_moved AFTER UPDATE OF domain, status, collector_id, created_at ON jobs
WHEN new.domain <> old.domain OR new.status <> old.status OR new.collector_id IS NOT old.collector_id
    OR new.created_at <> old.created_at BEGIN
    UPDATE status_counts SET jobs = jobs - 1 WHERE domain = old.domain AND status = old.status;
    UPDATE collector_counts SET jobs = jobs - 1
        WHERE domain = old.domain AND collector_id = old.collector_id AND status = old.status;
    UPDATE day_counts SET jobs = jobs - 1
        WHERE domain = old.domain AND status = old.status AND day = (old.created_at + 62167219200000) / 86400000;
    INSERT INTO status_counts VALUES (new.domain, new.status, 1)
        ON CONFLICT DO UPDATE SET jobs = jobs + 1;
    INSERT INTO collector_counts SELECT new.domain, new.collector_id, new.status, 1 WHERE new.collector_id IS NOT NULL
        ON CONFLICT DO UPDATE SET jobs = jobs + 1;
    INSERT INTO day_counts VALUES (new.domain, new.status, (new.created_at + 62167219200000) / 86400000, 1)
        ON CONFLICT DO UPDATE SET jobs = jobs + 1;
END;

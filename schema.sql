-- The database of jobdeck, schema version 3.
--
-- The document is the one source of truth. It lies in three pieces, `head`, the collector and `tail`, since one collector
-- has many jobs and is half of a document: the view `documents` puts them together. Every other column of `jobs` and
-- every table below it is derived from the documents by the program that writes them (src/store/derived.rs);
-- `jobdeck check` compares them, `jobdeck check --repair` makes them anew.
--
-- Read it with whatever you like. Write through jobdeck: the triggers at the end refuse what would leave the derived
-- tables behind the documents.
--
-- Times are integers: milliseconds since 1970-01-01T00:00:00Z.

-- The tenants. A job refers to its domain by the small key, since every index begins with it.
CREATE TABLE domains (
    id        INTEGER PRIMARY KEY,   -- the key
    domain_id TEXT NOT NULL UNIQUE   -- the name that documents and requests use
) STRICT;

-- Every collector_info that jobs of a domain have, once. One that no job has any more goes.
CREATE TABLE collector_infos (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    domain INTEGER NOT NULL REFERENCES domains (id),
    info   TEXT NOT NULL,                            -- document.collector_info, canonical JSON
    UNIQUE (domain, info)
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
    error_count    INTEGER NOT NULL,                            -- how many document.errors has
    collector_info INTEGER,                                     -- collector_infos.id; NULL: it has none
    head           TEXT NOT NULL,                               -- the document up to its collector_info, without a comma
    tail           TEXT NOT NULL,                               -- the document from there on, from its comma
    UNIQUE (domain, job_id)
) STRICT;

-- A list without a sort: newest first, the job id between equals.
CREATE INDEX jobs_by_time ON jobs (domain, created_at DESC, job_id);
-- The same of one status.
CREATE INDEX jobs_by_status ON jobs (domain, status, created_at DESC, job_id);
-- The same of one collector and status; also whatever is grouped by those two.
CREATE INDEX jobs_by_collector ON jobs (domain, collector_id, status, created_at DESC, job_id);
-- The same of one project.
CREATE INDEX jobs_by_project ON jobs (domain, project_id, created_at DESC, job_id);
-- The jobs that have errors, since most have none.
CREATE INDEX jobs_with_errors ON jobs (domain, created_at DESC, job_id) WHERE error_count > 0;

-- The jobs with their documents whole, canonical JSON as it is answered (src/job/mod.rs).
CREATE VIEW documents AS
SELECT *, head || ifnull((SELECT ',"collector_info":' || info FROM collector_infos AS i WHERE i.id = collector_info), '') || tail
    AS document FROM jobs;

-- How many jobs a domain has in each status.
CREATE TABLE status_counts (
    domain INTEGER NOT NULL,                      -- domains.id
    status TEXT NOT NULL,                         -- jobs.status
    jobs   INTEGER NOT NULL CHECK (jobs >= 0),    -- how many; a row may be left at 0
    PRIMARY KEY (domain, status)
) STRICT, WITHOUT ROWID;

-- How many jobs each collector of a domain has in each status.
CREATE TABLE collector_counts (
    domain       INTEGER NOT NULL,                      -- domains.id
    collector_id TEXT,                                  -- jobs.collector_id; NULL: of those that have none
    status       TEXT NOT NULL,                         -- jobs.status
    jobs         INTEGER NOT NULL CHECK (jobs >= 0),    -- how many; a row may be left at 0
    UNIQUE (domain, collector_id, status)
) STRICT;

-- How many jobs each collector_info of a domain has in each status.
CREATE TABLE collector_info_counts (
    domain         INTEGER NOT NULL,                      -- domains.id
    collector_info INTEGER,                               -- jobs.collector_info; NULL: of those that have none
    status         TEXT NOT NULL,                         -- jobs.status
    jobs           INTEGER NOT NULL CHECK (jobs >= 0),    -- how many; a row may be left at 0
    UNIQUE (domain, collector_info, status)
) STRICT;

-- How many jobs each project of a domain has in each status.
CREATE TABLE project_counts (
    domain     INTEGER NOT NULL,                      -- domains.id
    project_id TEXT,                                  -- jobs.project_id; NULL: of those that have none
    status     TEXT NOT NULL,                         -- jobs.status
    jobs       INTEGER NOT NULL CHECK (jobs >= 0),    -- how many; a row may be left at 0
    UNIQUE (domain, project_id, status)
) STRICT;

-- How many jobs of each status a domain has from each day.
CREATE TABLE day_counts (
    domain INTEGER NOT NULL,                      -- domains.id
    status TEXT NOT NULL,                         -- jobs.status
    day    INTEGER NOT NULL,                      -- of jobs.created_at, in UTC: days since 0000-01-01
    jobs   INTEGER NOT NULL CHECK (jobs >= 0),    -- how many; a row may be left at 0
    PRIMARY KEY (domain, status, day)
) STRICT, WITHOUT ROWID;

-- The same by the hour, to find the place of a page within a day.
CREATE TABLE hour_counts (
    domain INTEGER NOT NULL,                      -- domains.id
    hour   INTEGER NOT NULL,                      -- of jobs.created_at, in UTC: hours since 0000-01-01T00
    status TEXT NOT NULL,                         -- jobs.status
    jobs   INTEGER NOT NULL CHECK (jobs >= 0),    -- how many; a row may be left at 0
    PRIMARY KEY (domain, hour, status)
) STRICT, WITHOUT ROWID;

-- How many jobs of a domain have an error of each code, and how many errors that are.
CREATE TABLE error_counts (
    domain     INTEGER NOT NULL,                        -- domains.id
    error_code TEXT,                                    -- document.errors[].error_code; NULL: of errors without
    jobs       INTEGER NOT NULL CHECK (jobs >= 0),      -- how many; a row may be left at 0
    errors     INTEGER NOT NULL CHECK (errors >= 0),    -- how many; a job may have several of a code
    UNIQUE (domain, error_code)
) STRICT;

-- The jobs that have an error of a code, newest first: one row for each code of a job.
CREATE TABLE job_errors (
    domain     INTEGER NOT NULL,                      -- domains.id
    error_code TEXT NOT NULL,                         -- document.errors[].error_code
    created_at INTEGER NOT NULL,                      -- jobs.created_at
    job_id     TEXT NOT NULL,                         -- jobs.job_id
    job        INTEGER NOT NULL,                      -- jobs.id
    PRIMARY KEY (domain, error_code, created_at DESC, job_id)
) STRICT, WITHOUT ROWID;

-- Where three characters stand in job ids: the candidates for a part of an id. No job that has them is left out; some
-- may have been deleted, or changed, since.
CREATE TABLE job_id_trigrams (
    trigram TEXT NOT NULL,      -- three ASCII characters in lower case; '': of ids with others
    block   INTEGER NOT NULL,   -- jobs.id / 65536
    jobs    BLOB NOT NULL,      -- jobs.id % 65536 of each, a 32-bit Roaring bitmap
    PRIMARY KEY (trigram, block)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER jobs_are_inserted_by_jobdeck BEFORE INSERT ON jobs BEGIN
    SELECT RAISE(ABORT, 'write through jobdeck, by its API or an import, so that its counts stay right');
END;
CREATE TRIGGER jobs_are_deleted_by_jobdeck BEFORE DELETE ON jobs BEGIN
    SELECT RAISE(ABORT, 'write through jobdeck, by its API or an import, so that its counts stay right');
END;
CREATE TRIGGER jobs_are_updated_by_jobdeck BEFORE UPDATE ON jobs BEGIN
    SELECT RAISE(ABORT, 'write through jobdeck, by its API or an import, so that its counts stay right');
END;
CREATE TRIGGER collectors_are_inserted_by_jobdeck BEFORE INSERT ON collector_infos BEGIN
    SELECT RAISE(ABORT, 'write through jobdeck, by its API or an import, so that its counts stay right');
END;
CREATE TRIGGER collectors_are_deleted_by_jobdeck BEFORE DELETE ON collector_infos BEGIN
    SELECT RAISE(ABORT, 'write through jobdeck, by its API or an import, so that its counts stay right');
END;
CREATE TRIGGER collectors_are_updated_by_jobdeck BEFORE UPDATE ON collector_infos BEGIN
    SELECT RAISE(ABORT, 'write through jobdeck, by its API or an import, so that its counts stay right');
END;

-- The database of jobdeck, schema version 6.
--
-- The document is the one source of truth. It is stored in three pieces: `head`, its collector_info and `tail`. A
-- collector_info is half of a document and the same in many jobs, so it has a table of its own. The view `documents` joins
-- the pieces. jobdeck derives every other column of `jobs` (src/store/job_row.rs) and every other table
-- (src/store/derived.rs) from the documents when it writes them; `jobdeck check` compares them, and
-- `jobdeck check --repair` derives them again.
--
-- Read the database with any program. Write through jobdeck: the triggers at the end refuse other writes, which would
-- leave the derived tables out of date.
--
-- Times are integers: milliseconds since 1970-01-01T00:00:00Z.
--
-- Further tables, for notifications, are in src/store/notifications/tables.sql.

-- The domains, which are the tenants. A job has the key of its domain, since every index begins with it and it is small.
CREATE TABLE domains (
    id        INTEGER PRIMARY KEY,   -- the key
    domain_id TEXT NOT NULL UNIQUE   -- the id in documents and requests
) STRICT;

-- Every collector_info of the jobs of a domain, once. It is deleted with the last job that has it.
CREATE TABLE collector_infos (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    domain INTEGER NOT NULL REFERENCES domains (id),
    info   TEXT NOT NULL,                            -- document.collector_info, canonical JSON
    UNIQUE (domain, info)
) STRICT;

-- The jobs.
CREATE TABLE jobs (
    id                   INTEGER PRIMARY KEY,                         -- in the order of insertion; in no document
    domain               INTEGER NOT NULL REFERENCES domains (id),    -- domains.id of document.domain_id
    job_id               TEXT NOT NULL CHECK (job_id <> ''),          -- document.job_id, unique within the domain
    -- document.status. (For IN with a list, SQLite makes a temporary table at each insert, which took longer than the insert.)
    status               TEXT NOT NULL CHECK (status = 'SUCCESS' OR status = 'ERROR' OR status = 'IN_PROGRESS'
                             OR status = 'CREATED' OR status = 'CANCELED' OR status = 'TIMEOUT'),
    total_tasks          INTEGER NOT NULL CHECK (total_tasks >= 0),   -- document.total_tasks, 0 to 2147483647
    remained_tasks       INTEGER NOT NULL,                            -- document.remained_tasks, int32; may be negative
    collector_id         TEXT,                                        -- document.collector_info.collector_id; NULL: missing
    project_id           TEXT,                                        -- document.project_id; NULL: missing
    created_at           INTEGER NOT NULL,                            -- document.created_at
    updated_at           INTEGER NOT NULL,                            -- document.updated_at
    finished_at          INTEGER,                                     -- document.finished_at; NULL: missing, the job runs
    error_count          INTEGER NOT NULL,                            -- the length of document.errors
    collector_info       INTEGER,                                     -- collector_infos.id; NULL: the document has none
    -- Members that jobs of today's SpaceONE have. They follow the columns that most statements read, so that these cost
    -- what they did, and precede the long texts. Where a job has none of them, they take seven bytes together.
    success_tasks        INTEGER CHECK (success_tasks >= 0),          -- document.success_tasks; NULL: missing
    failure_tasks        INTEGER CHECK (failure_tasks >= 0),          -- document.failure_tasks; NULL: missing
    secret_id            TEXT,                                        -- document.secret_id; NULL: missing
    request_secret_id    TEXT,                                        -- document.request_secret_id; NULL: missing
    request_workspace_id TEXT,                                        -- document.request_workspace_id; NULL: missing
    resource_group       TEXT,                                        -- document.resource_group; NULL: missing
    workspace_id         TEXT,                                        -- document.workspace_id; NULL: missing
    head                 TEXT NOT NULL,                               -- the document before its collector_info, without a comma
    tail                 TEXT NOT NULL                                -- the document after it, from the comma on
) STRICT;

-- A job by its id.
CREATE UNIQUE INDEX jobs_by_id ON jobs (domain, job_id);
-- For lists without a sort: newest first, jobs of the same time by their job_id.
CREATE INDEX jobs_by_time ON jobs (domain, created_at DESC, job_id);
-- For such lists of one collector and status, and for groups by the two. (It precedes the smaller index by status: of two
-- indexes that cost the same by its estimate, SQLite reads the later one.)
CREATE INDEX jobs_by_collector ON jobs (domain, collector_id, status, created_at DESC, job_id);
-- For such lists of one status.
CREATE INDEX jobs_by_status ON jobs (domain, status, created_at DESC, job_id);
-- For such lists of one project.
CREATE INDEX jobs_by_project ON jobs (domain, project_id, created_at DESC, job_id);
-- For such lists of jobs with errors, which most have not.
CREATE INDEX jobs_with_errors ON jobs (domain, created_at DESC, job_id) WHERE error_count > 0;

-- The jobs with their whole documents: canonical JSON, as it is served (src/job/document.rs).
CREATE VIEW documents AS
SELECT *, head || ifnull((SELECT ',"collector_info":' || info FROM collector_infos AS i WHERE i.id = collector_info), '') || tail
    AS document FROM jobs;

-- How many jobs a domain has in each status.
CREATE TABLE status_counts (
    domain INTEGER NOT NULL,                      -- domains.id
    status TEXT NOT NULL,                         -- jobs.status
    jobs   INTEGER NOT NULL CHECK (jobs >= 0),    -- the count; may be 0
    PRIMARY KEY (domain, status)
) STRICT, WITHOUT ROWID;

-- How many jobs each collector of a domain has in each status.
CREATE TABLE collector_counts (
    domain       INTEGER NOT NULL,                      -- domains.id
    collector_id TEXT,                                  -- jobs.collector_id; NULL: jobs without one
    status       TEXT NOT NULL,                         -- jobs.status
    jobs         INTEGER NOT NULL CHECK (jobs >= 0),    -- the count; may be 0
    UNIQUE (domain, collector_id, status)
) STRICT;

-- How many jobs each collector_info of a domain has in each status.
CREATE TABLE collector_info_counts (
    domain         INTEGER NOT NULL,                      -- domains.id
    collector_info INTEGER,                               -- jobs.collector_info; NULL: jobs without one
    status         TEXT NOT NULL,                         -- jobs.status
    jobs           INTEGER NOT NULL CHECK (jobs >= 0),    -- the count; may be 0
    UNIQUE (domain, collector_info, status)
) STRICT;

-- How many jobs each project of a domain has in each status.
CREATE TABLE project_counts (
    domain     INTEGER NOT NULL,                      -- domains.id
    project_id TEXT,                                  -- jobs.project_id; NULL: jobs without one
    status     TEXT NOT NULL,                         -- jobs.status
    jobs       INTEGER NOT NULL CHECK (jobs >= 0),    -- the count; may be 0
    UNIQUE (domain, project_id, status)
) STRICT;

-- How many jobs of each status a domain has from each day.
CREATE TABLE day_counts (
    domain INTEGER NOT NULL,                      -- domains.id
    status TEXT NOT NULL,                         -- jobs.status
    day    INTEGER NOT NULL,                      -- days from 0000-01-01 to jobs.created_at, in UTC
    jobs   INTEGER NOT NULL CHECK (jobs >= 0),    -- the count; may be 0
    PRIMARY KEY (domain, status, day)
) STRICT, WITHOUT ROWID;

-- The same by hour, to find where a page begins within a day.
CREATE TABLE hour_counts (
    domain INTEGER NOT NULL,                      -- domains.id
    hour   INTEGER NOT NULL,                      -- hours from 0000-01-01T00 to jobs.created_at, in UTC
    status TEXT NOT NULL,                         -- jobs.status
    jobs   INTEGER NOT NULL CHECK (jobs >= 0),    -- the count; may be 0
    PRIMARY KEY (domain, hour, status)
) STRICT, WITHOUT ROWID;

-- How many jobs of a domain have an error of each code, and how many such errors there are.
CREATE TABLE error_counts (
    domain     INTEGER NOT NULL,                        -- domains.id
    error_code TEXT,                                    -- document.errors[].error_code; NULL: errors without one
    jobs       INTEGER NOT NULL CHECK (jobs >= 0),      -- the count; may be 0
    errors     INTEGER NOT NULL CHECK (errors >= 0),    -- how many errors; a job may have several of a code
    UNIQUE (domain, error_code)
) STRICT;

-- The jobs with errors by error code, newest first: one row for each code of a job.
CREATE TABLE job_errors (
    domain     INTEGER NOT NULL,                      -- domains.id
    error_code TEXT NOT NULL,                         -- document.errors[].error_code
    created_at INTEGER NOT NULL,                      -- jobs.created_at
    job_id     TEXT NOT NULL,                         -- jobs.job_id
    job        INTEGER NOT NULL,                      -- jobs.id
    PRIMARY KEY (domain, error_code, created_at DESC, job_id)
) STRICT, WITHOUT ROWID;

-- The trigram index of job ids (src/store/trigrams.rs): the candidates for a part of an id. It has every job whose id has
-- the trigram, and perhaps jobs that have been deleted since.
CREATE TABLE job_id_trigrams (
    trigram TEXT NOT NULL,      -- three ASCII characters in lower case; '': ids with other characters
    block   INTEGER NOT NULL,   -- jobs.id / 65536
    jobs    BLOB NOT NULL,      -- jobs.id % 65536 of each job, as a 32-bit Roaring bitmap
    PRIMARY KEY (trigram, block)
) STRICT, WITHOUT ROWID;

-- The jobs by column, in blocks (src/columns): what questions over many jobs read instead of `jobs`, a tenth of the bytes.
-- (A table without rowid would read each block whole to step over it.)
CREATE TABLE job_columns (
    domain  INTEGER NOT NULL,   -- domains.id
    block   INTEGER NOT NULL,   -- jobs.id / 1024
    first   INTEGER NOT NULL,   -- the smallest jobs.created_at
    last    INTEGER NOT NULL,   -- the largest jobs.created_at
    columns BLOB NOT NULL,      -- the numbers, and the texts that jobs share
    errors  BLOB NOT NULL,      -- error_code and message of document.errors
    job_ids BLOB NOT NULL,      -- jobs.job_id of each
    PRIMARY KEY (domain, block)
) STRICT;

-- The times of blocks: which of them a range needs, and in what order a page by time takes them.
CREATE INDEX job_columns_by_time ON job_columns (domain, last, first, block);

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

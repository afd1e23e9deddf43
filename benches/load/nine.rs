//! The second floor: a program that answers the nine workloads and nothing else, as fast as SQLite and actix-web allow.
//!
//! It is what could be written if every question were known beforehand. The number of a job is its position in the order
//! (domain, newest first, job id), so a page is one range of the table, and every other index maps a value to that number.
//! The file is mapped, and the numbers of statistics are in memory. Nothing writes, and requests are not checked.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Write as _;
use std::path::Path;
use std::rc::Rc;

use actix_web::http::header::ContentType;
use actix_web::web::{self, Bytes};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use rusqlite::config::DbConfig;
use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, Connection, OpenFlags, OptionalExtension, Row, ToSql, params};
use serde::Deserialize;

/// The bits of a job's number below its domain, and below its time.
const DOMAIN_BITS: u32 = 49;
const TIE_BITS: u32 = 7;
const HOUR: i64 = 3_600_000;

/// Fill the database from one of jobdeck, `theirs`; `?1` and `?2` are `DOMAIN_BITS` and `TIE_BITS`.
const FILL: [&str; 7] = [
    "INSERT INTO jobs SELECT (domain << ?1) + (((1 << (?1 - ?2)) - 1 - created_at) << ?2) \
     + row_number() OVER (PARTITION BY domain, created_at ORDER BY job_id) - 1, status, collector_id, document \
     FROM theirs.documents ORDER BY domain, created_at DESC, job_id",
    "INSERT INTO words (rowid, job_id) SELECT id, document ->> 'job_id' FROM jobs",
    "INSERT OR IGNORE INTO errors SELECT value ->> 'error_code', jobs.id FROM jobs, json_each(document, '$.errors')",
    "INSERT INTO status_counts SELECT id >> ?1, status, count(*) FROM jobs GROUP BY 1, 2",
    "INSERT INTO collector_counts SELECT id >> ?1, collector_id, status, count(*) FROM jobs GROUP BY 1, 2, 3",
    "INSERT INTO error_counts SELECT job >> ?1, code, count(*) FROM errors GROUP BY 1, 2",
    "INSERT INTO day_counts SELECT id >> ?1, status, substr(document ->> 'created_at', 1, 10), count(*) FROM jobs GROUP BY 1, 2, 3",
];

const SCHEMA: &str = "
CREATE TABLE jobs (id INTEGER PRIMARY KEY, status TEXT, collector_id TEXT, document TEXT) STRICT;
CREATE VIRTUAL TABLE words USING fts5 (job_id, content = '', columnsize = 0, tokenize = 'trigram');
CREATE TABLE errors (code TEXT, job INTEGER, PRIMARY KEY (code, job)) STRICT, WITHOUT ROWID;
CREATE TABLE status_counts (domain INTEGER, status TEXT, jobs INTEGER, PRIMARY KEY (domain, status)) STRICT, WITHOUT ROWID;
CREATE TABLE collector_counts
    (domain INTEGER, collector_id TEXT, status TEXT, jobs INTEGER, PRIMARY KEY (domain, collector_id, status)) STRICT, WITHOUT ROWID;
CREATE TABLE error_counts (domain INTEGER, code TEXT, jobs INTEGER, PRIMARY KEY (domain, code)) STRICT, WITHOUT ROWID;
CREATE TABLE day_counts (domain INTEGER, status TEXT, day TEXT, jobs INTEGER, PRIMARY KEY (domain, status, day)) STRICT, WITHOUT ROWID;
";

/// Makes the database from one of jobdeck.
pub(crate) fn make_database(theirs: &Path, path: &Path) {
    let connection = Connection::open(path).unwrap();
    connection
        .execute_batch("PRAGMA journal_mode = WAL; PRAGMA cache_size = -65536")
        .unwrap();
    connection
        .execute("ATTACH ? AS theirs", [theirs.to_str()])
        .unwrap();
    connection.execute_batch(SCHEMA).unwrap();
    connection.execute_batch("BEGIN").unwrap();
    for sql in FILL {
        let mut statement = connection.prepare(sql).unwrap();
        let all: [&dyn ToSql; 2] = [&DOMAIN_BITS, &TIE_BITS];
        let used = statement.parameter_count();
        statement.execute(&all[..used]).unwrap();
    }
    connection
        .execute_batch(
            "CREATE INDEX by_status ON jobs (status);
             CREATE INDEX by_collector ON jobs (collector_id, status);
             COMMIT;
             DETACH theirs;
             PRAGMA wal_checkpoint(TRUNCATE)",
        )
        .unwrap();
}

/// Serves on a free port until it is killed.
pub(crate) fn serve(database: &Path, theirs: &Path, workers: usize) {
    let domains = domains(theirs);
    let database = database.to_owned();
    let app = move || {
        let program = Rc::new(Program::open(&database, domains.clone()));
        App::new().default_service(web::to(move |request: HttpRequest, body: Bytes| {
            let question = if body.is_empty() {
                Question::from_query_string(request.query_string())
            } else {
                serde_json::from_slice(&body).unwrap()
            };
            let answer = HttpResponse::Ok()
                .content_type(ContentType::json())
                .body(program.answer(&question));
            async move { answer }
        }))
    };
    let server = HttpServer::new(app)
        .workers(workers)
        .tcp_nodelay(true)
        .bind("127.0.0.1:0")
        .unwrap();
    println!("nine listening on http://{}", server.addrs()[0]);
    actix_web::rt::System::new().block_on(server.run()).unwrap();
}

fn domains(theirs: &Path) -> HashMap<String, i64> {
    let connection = Connection::open_with_flags(theirs, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut statement = connection
        .prepare("SELECT domain_id, id FROM domains")
        .unwrap();
    let rows = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    rows.map(Result::unwrap).collect()
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Question<'a> {
    #[serde(borrow)]
    domain_id: Cow<'a, str>,
    #[serde(borrow)]
    status: Option<Cow<'a, str>>,
    #[serde(borrow)]
    collector_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    query: Query<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Query<'a> {
    page: Page,
    #[serde(borrow)]
    keyword: Option<Cow<'a, str>>,
    #[serde(borrow)]
    filter: Vec<Condition<'a>>,
    #[serde(borrow)]
    aggregate: Vec<Stage<'a>>,
}

#[derive(Default, Deserialize)]
struct Page {
    start: i64,
    limit: i64,
}

#[derive(Deserialize)]
struct Condition<'a> {
    #[serde(borrow)]
    v: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Stage<'a> {
    #[serde(borrow)]
    group: Group<'a>,
}

#[derive(Deserialize)]
struct Group<'a> {
    #[serde(borrow)]
    keys: Vec<Key<'a>>,
}

#[derive(Deserialize)]
struct Key<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
}

impl<'a> Question<'a> {
    fn from_query_string(text: &'a str) -> Self {
        let mut question = Self::default();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            match &*name {
                "domain_id" => question.domain_id = value,
                "query.page.start" => question.query.page.start = value.parse().unwrap(),
                "query.page.limit" => question.query.page.limit = value.parse().unwrap(),
                _ => unreachable!("{name}"),
            }
        }
        question
    }
}

/// The days of a domain and status with their counts: the text of an answer after the name of its day.
type Days = Vec<String>;
/// The collectors and statuses of a domain with their counts: the texts of an answer after the names of the two.
type Pairs = Vec<(String, String)>;

struct Program {
    database: Connection,
    domains: HashMap<String, i64>,
    days: HashMap<i64, HashMap<String, Days>>,
    pairs: HashMap<i64, Pairs>,
    /// By domain: how many jobs are before each hour, newest first, and the first number within it.
    hours: HashMap<i64, Vec<(i64, i64)>>,
}

impl Program {
    fn open(path: &Path, domains: HashMap<String, i64>) -> Self {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let database = Connection::open_with_flags(path, flags).unwrap();
        database.execute_batch(super::MAPPED).unwrap();
        // Without it SQLite may prepare a statement again when its values change.
        database
            .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
            .unwrap();
        let mut program = Self {
            database,
            domains,
            days: HashMap::new(),
            pairs: HashMap::new(),
            hours: HashMap::new(),
        };
        program.load_counts();
        program
    }

    fn load_counts(&mut self) {
        let mut statement = self
            .database
            .prepare("SELECT domain, status, day, jobs FROM day_counts")
            .unwrap();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let of_domain = self.days.entry(row.get(0).unwrap()).or_default();
            let days = of_domain.entry(row.get(1).unwrap()).or_default();
            let [day, jobs] = [2, 3].map(|column| cell_text(row, column));
            days.push(format!("\":\"{day}\",\"count\":{jobs}}},"));
        }
        let mut statement = self
            .database
            .prepare("SELECT domain, collector_id, status, jobs FROM collector_counts")
            .unwrap();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let pairs = self.pairs.entry(row.get(0).unwrap()).or_default();
            let [collector, status, jobs] = [1, 2, 3].map(|column| cell_text(row, column));
            pairs.push((
                format!("\":\"{collector}\",\""),
                format!("\":\"{status}\",\"count\":{jobs}}},"),
            ));
        }
        let sql = "SELECT id >> ?1, id / ?2, min(id), count(*) FROM jobs GROUP BY 1, 2";
        let mut statement = self.database.prepare(sql).unwrap();
        let mut rows = statement
            .query(params![DOMAIN_BITS, HOUR << TIE_BITS])
            .unwrap();
        let mut before = HashMap::<i64, i64>::new();
        while let Some(row) = rows.next().unwrap() {
            let domain = row.get(0).unwrap();
            let before = before.entry(domain).or_default();
            let hours = self.hours.entry(domain).or_default();
            hours.push((*before, row.get(2).unwrap()));
            *before += row.get::<_, i64>(3).unwrap();
        }
    }

    fn answer(&self, question: &Question<'_>) -> Vec<u8> {
        let domain = self.domains[&*question.domain_id];
        let mut out = Vec::with_capacity(32 << 10);
        out.extend_from_slice(b"{\"results\":[");
        match question.query.aggregate.first() {
            Some(Stage { group }) if group.keys.len() == 1 => {
                let days = &self.days[&domain][&*question.query.filter[0].v];
                let name = &group.keys[0].name;
                for day in days {
                    for part in ["{\"", name, day] {
                        out.extend_from_slice(part.as_bytes());
                    }
                }
                end_results(&mut out);
            }
            Some(Stage { group }) => {
                let [first, second] = [0, 1].map(|key| &group.keys[key].name);
                for (collector, status) in &self.pairs[&domain] {
                    for part in ["{\"", first, collector, second, status] {
                        out.extend_from_slice(part.as_bytes());
                    }
                }
                end_results(&mut out);
            }
            None => {
                self.prepare("BEGIN").raw_execute().unwrap();
                let total = self.page(domain, question, &mut out);
                self.prepare("COMMIT").raw_execute().unwrap();
                end_results(&mut out);
                write!(out, ",\"total_count\":{total}").unwrap();
            }
        }
        out.push(b'}');
        out
    }

    fn prepare(&self, sql: &str) -> CachedStatement<'_> {
        self.database.prepare_cached(sql).unwrap()
    }

    /// Appends the page, and returns the total.
    fn page(&self, domain: i64, question: &Question<'_>, out: &mut Vec<u8>) -> i64 {
        let (first, last) = (domain << DOMAIN_BITS, ((domain + 1) << DOMAIN_BITS) - 1);
        let Page { start, limit } = question.query.page;
        let skip = start - 1;
        if let Some(word) = &question.query.keyword {
            return self.page_by_word((first, last), (word, skip, limit), out);
        }
        if let [code] = &question.query.filter[..] {
            let sql = "SELECT document FROM errors CROSS JOIN jobs ON id = job WHERE code = ?1 AND job BETWEEN ?2 AND ?3 \
                       ORDER BY job LIMIT ?4 OFFSET ?5";
            self.documents(sql, params![code.v, first, last, limit, skip], out);
            let sql = "SELECT jobs FROM error_counts WHERE domain = ?1 AND code = ?2";
            return self.number(sql, params![domain, code.v]);
        }
        match (&question.collector_id, &question.status) {
            (Some(collector), Some(status)) => {
                let sql = "SELECT document FROM jobs INDEXED BY by_collector WHERE collector_id = ?1 AND status = ?2 \
                           AND id BETWEEN ?3 AND ?4 ORDER BY id LIMIT ?5 OFFSET ?6";
                let values = params![collector, status, first, last, limit, skip];
                self.documents(sql, values, out);
                let sql = "SELECT jobs FROM collector_counts WHERE domain = ?1 AND collector_id = ?2 AND status = ?3";
                self.number(sql, params![domain, collector, status])
            }
            (None, Some(status)) => {
                let sql = "SELECT document FROM jobs INDEXED BY by_status WHERE status = ?1 AND id BETWEEN ?2 AND ?3 \
                           ORDER BY id LIMIT ?4 OFFSET ?5";
                self.documents(sql, params![status, first, last, limit, skip], out);
                let sql = "SELECT jobs FROM status_counts WHERE domain = ?1 AND status = ?2";
                self.number(sql, params![domain, status])
            }
            _ => {
                let hours = &self.hours[&domain];
                let hour = hours.partition_point(|(before, _)| *before <= skip) - 1;
                let (before, from) = hours[hour];
                let sql = "SELECT document FROM jobs WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT ?3 OFFSET ?4";
                self.documents(sql, params![from, last, limit, skip - before], out);
                let sql = "SELECT sum(jobs) FROM status_counts WHERE domain = ?1";
                self.number(sql, params![domain])
            }
        }
    }

    fn page_by_word(
        &self,
        (first, last): (i64, i64),
        (word, skip, limit): (&str, i64, i64),
        out: &mut Vec<u8>,
    ) -> i64 {
        let sql = "SELECT rowid FROM words WHERE words MATCH ?1 AND rowid BETWEEN ?2 AND ?3 ORDER BY rowid";
        let mut statement = self.prepare(sql);
        let mut rows = statement
            .query(params![format!("\"{word}\""), first, last])
            .unwrap();
        let mut count = 0;
        while let Some(row) = rows.next().unwrap() {
            if (skip..skip + limit).contains(&count) {
                let sql = "SELECT document FROM jobs WHERE id = ?1";
                self.documents(sql, [row.get::<_, i64>(0).unwrap()], out);
            }
            count += 1;
        }
        count
    }

    fn documents(&self, sql: &str, values: impl rusqlite::Params, out: &mut Vec<u8>) {
        let mut statement = self.prepare(sql);
        let mut rows = statement.query(values).unwrap();
        while let Some(row) = rows.next().unwrap() {
            out.extend_from_slice(row.get_ref(0).unwrap().as_bytes().unwrap());
            out.push(b',');
        }
    }

    fn number(&self, sql: &str, values: impl rusqlite::Params) -> i64 {
        let number = self.prepare(sql).query_row(values, |row| row.get(0));
        number.optional().unwrap().unwrap_or(0)
    }
}

/// Formats a text or a number.
fn cell_text(row: &Row<'_>, column: usize) -> String {
    match row.get_ref(column).unwrap() {
        ValueRef::Integer(number) => number.to_string(),
        value => value.as_str().unwrap().to_owned(),
    }
}

fn end_results(out: &mut Vec<u8>) {
    out.pop_if(|last| *last == b',');
    out.push(b']');
}

//! The fuzz targets: each takes any bytes, and panics where an invariant does not hold.

use std::cell::RefCell;
use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

use jobdeck::job::Job;
use jobdeck::query::check::list;
use jobdeck::query::list::statements::{self, PageSql};
use jobdeck::query::request::{JobStatQuery, JobsQuery};
use jobdeck::query::sql::Sql;
use jobdeck::query::{compile_list, compile_stat};
use jobdeck::store::{Interrupt, Mode, OnConflict, Store, StoreError};
use jobdeck::time::Timestamp;
use jobdeck::transfer::{LocatedJob, MAX_LISTED, Mistakes, Source, read_jobs};

thread_local! {
    /// A database with one job, to prepare and run statements on.
    static DATABASE: RefCell<Option<(Store, tempfile::TempDir)>> = const { RefCell::new(None) };
}

const JOB: &str = r#"{"job_id":"j1","domain_id":"d","created_at":"2022-06-17T08:00:00Z","errors":[{"error_code":"E1","additional":{"a":[1,"x",null]}}],"collector_info":{"collector_id":"c1","x":{"k":2.5}},"filter":{"a":[{"b":true}]}}"#;

fn with_store(run: impl FnOnce(&Store)) {
    DATABASE.with_borrow_mut(|database| {
        let (store, _) = database.get_or_insert_with(|| {
            let folder = tempfile::tempdir().unwrap();
            let store = Store::open(&folder.path().join("x.db"), Mode::Scratch, 1).unwrap();
            let mut writer = store.writer().unwrap();
            let mut transaction = writer.begin(OnConflict::Fail).unwrap();
            transaction
                .put(&Job::from_json(JOB.as_bytes()).unwrap())
                .unwrap();
            transaction.commit().unwrap();
            drop(writer);
            (store, folder)
        });
        run(store);
    });
}

/// Runs a request as a search and as statistics.
///
/// Each is accepted or refused, the same way each time. SQLite prepares and runs the statements of an accepted request,
/// and nothing that the client sent is in their SQL. Returns how many of the two are accepted.
pub(crate) fn query(bytes: &[u8]) -> usize {
    let now = Timestamp::parse_rfc3339("2022-06-20T12:00:00Z").unwrap();
    let mut accepted = 0;
    let list = || compile_list(&JobsQuery::from_json(bytes)?, now);
    assert_eq!(list(), list());
    if let Ok(plan) = list() {
        with_store(|store| {
            let mut reader = store.reader(&minute()).unwrap();
            let transaction = reader.begin().unwrap();
            let checked = list::check(&JobsQuery::from_json(bytes).unwrap(), now).unwrap();
            let pages =
                [true, false].map(|wants_ids| match statements::page(&checked, wants_ids) {
                    PageSql::Ids(sql) | PageSql::Documents(sql) => sql,
                });
            for sql in pages.into_iter().chain([statements::count(&checked)]) {
                check_text(&sql);
                transaction.plan(&sql).unwrap();
            }
            check_error(transaction.list(&plan, &mut |document| {
                serde_json::from_str::<serde_json::Value>(&document.to_text()).unwrap();
                Ok(())
            }));
        });
        accepted += 1;
    }
    let stat = || compile_stat(&JobStatQuery::from_json(bytes)?, now);
    let text = || stat().map(|stat| (stat.statement().sql.clone(), stat.page));
    assert_eq!(text(), text());
    if let Ok(stat) = stat() {
        with_store(|store| {
            let sql = &stat.statement().sql;
            check_text(sql);
            let mut reader = store.reader(&minute()).unwrap();
            let transaction = reader.begin().unwrap();
            transaction.plan(sql).unwrap();
            let mut out = b"[".to_vec();
            if check_error(transaction.stat(&stat, &mut out)) {
                out.push(b']');
                serde_json::from_slice::<Vec<serde_json::Value>>(&out).unwrap();
            }
        });
        accepted += 1;
    }
    accepted
}

/// Checks that SQL has no character that ends a statement or quotes a name, and a `?` for each bound value.
fn check_text(sql: &Sql) {
    let text = sql.text();
    assert!(
        text.is_ascii() && !text.contains([';', '\0', '"', '`', '\\']),
        "{text}"
    );
    assert_eq!(text.matches('?').count(), sql.params().len(), "{text}");
}

/// Checks that an error is of the query or the time limit, not of the store. Returns whether there is an answer.
fn check_error<T>(result: Result<T, StoreError>) -> bool {
    match result {
        Ok(_) => true,
        Err(StoreError::Query(_) | StoreError::Timeout) => false,
        Err(error) => panic!("{error}"),
    }
}

fn minute() -> Arc<Interrupt> {
    Arc::new(Interrupt::after(Duration::from_mins(1)))
}

/// Reads a file of jobs.
///
/// It is accepted, or its mistakes are listed, the same way each time. A job that is read has a canonical text, and reading
/// that text gives the same text. Returns the number of jobs.
pub(crate) fn import(bytes: &[u8]) -> usize {
    let read = || {
        let source = Source::new("fuzz", Cursor::new(bytes.to_vec()));
        let (mut documents, mut mistakes) = (Vec::new(), Mistakes::default());
        let each = &mut |located: LocatedJob<'_, Job>| {
            documents.push(located.read.job.to_document());
            Ok(())
        };
        read_jobs(source, &mut mistakes, each).unwrap();
        (documents, mistakes.to_string())
    };
    let (documents, mistakes) = read();
    assert_eq!(read(), (documents.clone(), mistakes.clone()));
    let listed = mistakes.lines().count() - 1;
    assert!(listed <= MAX_LISTED + 1, "{mistakes}");
    for line in mistakes.lines().take(listed.min(MAX_LISTED)) {
        assert!(line.starts_with("fuzz: line "), "{line}");
    }
    for document in &documents {
        let again = Job::from_json(document.as_bytes()).unwrap();
        assert_eq!(&again.to_document(), document);
    }
    documents.len()
}

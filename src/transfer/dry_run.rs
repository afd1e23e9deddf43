//! A dry run of an import: counts what it would write, and writes nothing.

use std::sync::Arc;
use std::time::Duration;

use super::error::TransferError;
use super::import::{Import, ImportRules, Imported};
use super::reading::Source;
use crate::job::{ImportedJob, Job};
use crate::json::StrictObject;
use crate::store::{IdIndex, Interrupt, NewJob, OnConflict, Reader, Store, StoreError, Written};

/// Does what [`import`](super::import()) does, but with `scratch` instead of the database, which is only read; `None` for one
/// that does not exist. `scratch` is an empty database, which then has the jobs by their ids, so that a job that is given
/// twice counts as it would.
///
/// # Errors
/// As [`import`](super::import()).
pub fn dry_run(
    database: Option<&Store>,
    scratch: &Store,
    sources: impl IntoIterator<Item = Source> + Send + 'static,
    rules: ImportRules,
) -> Result<Imported, TransferError> {
    let on_conflict = rules.on_conflict;
    let interrupt = Arc::new(Interrupt::after(Duration::MAX));
    let mut reader = database.map(|store| store.reader(&interrupt)).transpose()?;
    let present = reader.as_mut().map(Reader::begin).transpose()?;
    let mut writer = scratch.writer()?;
    writer.prepare_bulk_import()?;
    let mut transaction = writer.begin(on_conflict)?;
    transaction.defer_indexes(IdIndex::Maintained)?;
    let import = Import {
        rules,
        to_row: |job| NewJob::of_import(&without_contents(job)),
    };
    import.run(sources, |job| {
        let written = transaction.put_new(job)?;
        let (domain_id, job_id) = job.ids();
        let is_present = match &present {
            Some(present) => present.has_job(domain_id, job_id)?,
            None => false,
        };
        match on_conflict {
            _ if !is_present => Ok(written),
            OnConflict::Replace => Ok(Written::Replaced),
            OnConflict::Skip => Ok(Written::Skipped),
            OnConflict::Fail => Err(StoreError::Conflict {
                domain_id: domain_id.to_owned(),
                job_id: job_id.to_owned(),
            }),
        }
    })
}

/// Leaves out of a job what may be long and does not decide whether it can be written.
fn without_contents(imported: ImportedJob) -> ImportedJob {
    ImportedJob {
        collector: None,
        job: Job {
            filter: StrictObject::default(),
            errors: Vec::new(),
            ..imported.job
        },
    }
}

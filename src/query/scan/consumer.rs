//! What a scan reads, and who takes it.

use std::cell::OnceCell;
use std::fmt;

use crate::columns::{Block, BlockErrors, Damaged, ErrorTexts, JobIds};

/// Why a scan has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// It has met what only a statement answers.
    Unsupported,
    /// The store can't read what it needs.
    Unreadable,
    /// The bytes of a block are damaged.
    Damaged(Damaged),
}

impl From<Damaged> for Stopped {
    fn from(damaged: Damaged) -> Self {
        Self::Damaged(damaged)
    }
}

/// Reads what a scan needs of a block only sometimes.
pub trait BlockReader {
    /// Returns the bytes of the job ids.
    ///
    /// # Errors
    /// [`Stopped::Unreadable`]; the reader has the reason.
    fn job_ids(&self) -> Result<Vec<u8>, Stopped>;

    /// Returns the bytes of the errors.
    ///
    /// # Errors
    /// As [`BlockReader::job_ids`].
    fn errors(&self) -> Result<Vec<u8>, Stopped>;

    /// Returns the errors of a job, given by `jobs.id`, from its document.
    ///
    /// # Errors
    /// As [`BlockReader::job_ids`].
    fn errors_of(&self, job: i64) -> Result<Vec<ErrorTexts>, Stopped>;
}

/// A block that was read, with its job ids and its errors if somebody needs them.
pub struct Loaded<'b> {
    pub block: Block<'b>,
    job_ids: OnceCell<JobIds>,
    errors: Option<&'b [u8]>,
    errors_read: OnceCell<Vec<u8>>,
    reader: &'b dyn BlockReader,
}

impl<'b> Loaded<'b> {
    /// A block with the bytes of its job ids and errors where they were read together with it; `reader` reads them when they
    /// are first needed, since most orders need the id only of jobs that are otherwise equal.
    ///
    /// # Errors
    /// [`Damaged`] where the bytes are not those of the ids of the block.
    pub fn new(
        block: Block<'b>,
        job_ids: Option<&[u8]>,
        errors: Option<&'b [u8]>,
        reader: &'b dyn BlockReader,
    ) -> Result<Self, Damaged> {
        let job_ids = job_ids.map(|bytes| JobIds::new(bytes, block.len()));
        Ok(Self {
            block,
            job_ids: job_ids
                .transpose()?
                .map_or_else(OnceCell::new, OnceCell::from),
            errors,
            errors_read: OnceCell::new(),
            reader,
        })
    }

    /// Returns the job ids.
    ///
    /// # Errors
    /// [`Stopped`] where they can't be read.
    pub fn job_ids(&self) -> Result<&JobIds, Stopped> {
        if let Some(job_ids) = self.job_ids.get() {
            return Ok(job_ids);
        }
        let job_ids = JobIds::new(&self.reader.job_ids()?, self.block.len())?;
        Ok(self.job_ids.get_or_init(|| job_ids))
    }

    /// Returns the errors.
    ///
    /// # Errors
    /// As [`Loaded::job_ids`].
    pub fn errors(&self) -> Result<BlockErrors<'_>, Stopped> {
        let bytes = match (self.errors, self.errors_read.get()) {
            (Some(bytes), _) => bytes,
            (None, Some(bytes)) => bytes,
            (None, None) => {
                let bytes = self.reader.errors()?;
                self.errors_read.get_or_init(|| bytes)
            }
        };
        Ok(BlockErrors::new(bytes, self.block.len())?)
    }

    /// Returns the errors of a job that only its document has.
    ///
    /// # Errors
    /// As [`Loaded::job_ids`].
    pub fn errors_of(&self, job: i64) -> Result<Vec<ErrorTexts>, Stopped> {
        self.reader.errors_of(job)
    }
}

impl fmt::Debug for Loaded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded")
            .field("block", &self.block)
            .finish_non_exhaustive()
    }
}

/// The order in which a consumer takes blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockOrder {
    /// That of the ids of jobs, in which blocks are stored.
    Stored,
    /// By the latest `created_at` of each, descending.
    NewestFirst,
    /// By the earliest `created_at` of each, ascending.
    OldestFirst,
}

/// The times of a block's jobs: the earliest and the latest `created_at`, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockTimes {
    pub first: i64,
    pub last: i64,
}

/// Takes the jobs that pass a filter, block by block.
pub trait Consumer {
    /// Whether the collectors are to be added before the blocks.
    fn needs_collectors(&self) -> bool;

    /// Whether it needs the job ids of about every block, so that they are read together with the columns.
    fn needs_job_ids(&self) -> bool;

    /// The order in which it takes blocks.
    fn order(&self) -> BlockOrder {
        BlockOrder::Stored
    }

    /// Whether neither the next block in this order, with these times, nor one after it changes the result.
    fn is_complete_before(&self, _next: BlockTimes) -> bool {
        false
    }

    /// Adds a collector: its key, and its `collector_info` as JSON.
    ///
    /// # Errors
    /// [`Stopped::Unsupported`] where a statement must answer.
    fn add_collector(&mut self, key: i64, info: &str) -> Result<(), Stopped>;

    /// Adds the jobs at these positions of a block.
    ///
    /// # Errors
    /// [`Stopped`].
    fn add_jobs(&mut self, loaded: &Loaded<'_>, positions: &[usize]) -> Result<(), Stopped>;
}

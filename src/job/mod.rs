//! The job document: what a job may hold, how it is read, and its one canonical text.
//!
//! All other layers treat a document as text that was checked here. Two documents that mean the same have the same
//! text: members in the order of [`Job`], times in UTC with milliseconds, no member without a value.

mod collector;
mod document;
mod draft;
mod error;
mod from_json;
mod imported;
mod life;
mod made_id;
mod member;
mod pieces;
mod reading;
mod script;
mod shape;
mod status;

pub use self::collector::CollectorInfo;
pub use self::document::Job;
pub use self::draft::{Draft, LIFE_NEEDS_MOCK, PatchedEnd};
pub use self::error::{JobError, error_codes};
pub use self::from_json::{JobTextError, from_json};
pub use self::imported::{CollectorText, ImportedJob, KnownCollectors};
pub use self::life::{Life, LifeStage};
pub use self::made_id::{job_id_of_key, random_job_id};
pub use self::member::{MAX_ID_BYTES, MAX_TASKS};
pub use self::pieces::BEFORE_COLLECTOR_INFO;
pub use self::reading::{
    Doubt, ReadJob, Readable, Translation, read_job, read_job_members, read_one_of_many,
    translate_patch,
};
pub use self::script::{MAX_STEPS, Script, Step};
pub use self::shape::{STATUSES_OF_TODAY, Shape, of_today};
pub use self::status::{JobStatus, PerStatus};

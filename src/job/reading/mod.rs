//! Reads a job from text as people have it: strictly first, and otherwise by translation into the members of
//! [`Draft`](super::Draft).
//!
//! ```text
//! text -> strict reader -------------------------------------------------> job
//!      \-> JSON value -> translate (member by member) -> strict reader --> job and its translations, or all mistakes
//! ```
//!
//! The strict reader alone decides what a job is: nothing is checked twice. Only a document that it refuses pays for a
//! translation.

mod collector;
mod doubt;
mod extended_json;
mod field_path;
mod findings;
mod locate;
mod member;
mod plain;
mod read;
mod scalar;
mod translate;
mod translation;

pub use self::doubt::Doubt;
pub use self::read::{
    ReadJob, Readable, read_job, read_job_members, read_one_of_many, translate_patch,
};
pub use self::translation::Translation;

//! Blocks of jobs by column: what questions over many jobs read instead of the jobs themselves.
//!
//! A [`Block`] has up to [`BLOCK_JOBS`] jobs of a domain whose ids are neighbours. It is three BLOBs: the columns, the codes
//! and messages of errors, and the job ids; fewer questions read the last two. A column of numbers has each as its distance
//! from the smallest, in as few bytes as the largest distance takes; a column of texts has each different text once. A
//! million jobs take about 45 MB, a tenth of their documents, and a question decodes only the columns that it is about, at
//! about a nanosecond a value.
//!
//! The bytes depend on the jobs alone, so `jobdeck check` compares them with those of a block that it makes anew.

mod block;
mod damaged;
mod encode;
mod errors;
mod numbers;
mod row;
mod row_errors;
mod texts;

pub use block::{Block, JobIds};
pub use damaged::Damaged;
pub use encode::{Encoded, encode};
pub use errors::BlockErrors;
pub use numbers::NULL;
pub use row::{BLOCK_JOBS, NumberColumn, Row, TextColumn};
pub use row_errors::{ErrorTexts, RowErrors};
pub use texts::Dictionary;

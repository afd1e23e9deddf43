//! Reads the jobs of a source, whatever its form, and notes every mistake in it.

mod csv_header;
mod csv_jobs;
mod csv_row;
#[cfg(test)]
mod csv_tests;
mod json_jobs;
mod json_value;
mod read_jobs;
mod sink;
mod source;
#[cfg(test)]
mod tests;
mod text_buffer;

pub use self::read_jobs::read_jobs;
pub use self::sink::LocatedJob;
pub use self::source::Source;

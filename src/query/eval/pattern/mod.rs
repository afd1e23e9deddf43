//! Regular expressions: the dialect of MongoDB, without regard to case, bounded in size and time.
//!
//! The dialect is PCRE2's with UTF on and UCP off. Three engines answer alike, the quickest that a pattern allows:
//!
//! - `words` scans short ASCII texts for a choice of ASCII words;
//! - `linear` runs what `syntax` can parse by the `regex` crate, in a time that grows with the text alone;
//! - `backtracking` runs everything else by PCRE2 itself, within limits, after `refused` has looked for what cannot be
//!   limited. (Rule 3: a client's pattern can't hang the server.)

#[cfg(test)]
mod agreement;
mod backtracking;
mod brackets;
mod letters;
mod linear;
mod refused;
mod search;
mod syntax;
mod words;

pub use backtracking::IsDue;
pub use search::Pattern;
pub use words::{any_word, literal};

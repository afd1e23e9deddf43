//! Turns the bytes of a source into UTF-8 text: recognises what they are by their beginning, not by a name.

mod compressed;
mod decoded;
mod format;
mod peeked;
mod problem;
mod read_ahead;
mod utf16;

pub(super) use self::decoded::{Decoding, decoded};
pub(super) use self::problem::ContentProblem;

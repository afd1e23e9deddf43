//! A named reader that jobs are imported from.

use std::fmt;
use std::io::Read;

/// A source of jobs, with the name that errors give it.
pub struct Source {
    pub name: String,
    pub reader: Box<dyn Read + Send>,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

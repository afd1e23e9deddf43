//! A named reader that jobs are read from.

use std::fmt;
use std::io::Read;

use crate::transfer::decode::Decoding;

/// A source of jobs, with the name that errors give it.
pub struct Source {
    pub(super) name: String,
    pub(super) reader: Box<dyn Read + Send>,
    pub(super) decoding: Decoding,
}

impl Source {
    #[must_use]
    pub fn new(name: impl Into<String>, reader: impl Read + Send + 'static) -> Self {
        Self {
            name: name.into(),
            reader: Box::new(reader),
            decoding: Decoding::default(),
        }
    }

    /// Limits the source to a number of bytes, after it was decompressed.
    #[must_use]
    pub fn at_most(mut self, bytes: usize) -> Self {
        self.decoding.max_bytes = Some(bytes);
        self
    }

    /// Lets a thread decompress the source ahead of the reader.
    pub(in crate::transfer) fn decoded_ahead(mut self) -> Self {
        self.decoding.has_thread = true;
        self
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

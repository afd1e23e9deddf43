//! `Peeked`: a reader whose beginning is known before it is read.

use std::io::{ErrorKind, Read, Result};

/// The bytes that are looked at. A tar archive has its mark at 257.
const HEAD_BYTES: usize = 512;

/// A reader, and its first bytes.
pub(super) struct Peeked<R> {
    head: Vec<u8>,
    /// The bytes of the head that were read.
    at: usize,
    reader: R,
}

impl<R: Read> Peeked<R> {
    pub(super) fn new(mut reader: R) -> Result<Self> {
        let mut head = vec![0; HEAD_BYTES];
        let mut length = 0;
        while length < HEAD_BYTES {
            match reader.read(&mut head[length..]) {
                Ok(0) => break,
                Ok(more) => length += more,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        head.truncate(length);
        Ok(Self {
            head,
            at: 0,
            reader,
        })
    }

    /// Returns the first bytes; fewer than [`HEAD_BYTES`] are all that there are.
    pub(super) fn head(&self) -> &[u8] {
        &self.head
    }
}

impl<R: Read> Read for Peeked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let rest = &self.head[self.at..];
        if rest.is_empty() {
            return self.reader.read(buffer);
        }
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        self.at += length;
        Ok(length)
    }
}

//! `TextBuffer`: the text of a source that is read and not yet consumed, and where it lies.

use std::io::{ErrorKind, Read, Result};

use crate::transfer::mistakes::Location;

/// The bytes that are read at a time. A longer job takes a longer buffer.
const BUFFER_BYTES: usize = 256 << 10;

/// A reader, the text that was read ahead, and its line and column.
pub(super) struct TextBuffer<R> {
    reader: R,
    bytes: Vec<u8>,
    /// The text lies from here on in `bytes`,
    start: usize,
    /// and ends here.
    end: usize,
    is_at_end: bool,
    location: Location,
}

impl<R: Read> TextBuffer<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            reader,
            bytes: vec![0; BUFFER_BYTES],
            start: 0,
            end: 0,
            is_at_end: false,
            location: Location { line: 1, column: 1 },
        }
    }

    /// Returns the text that was read and not consumed.
    pub(super) fn text(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Returns where the text begins.
    pub(super) fn location(&self) -> Location {
        self.location
    }

    /// Reads more text; returns false at the end of the source.
    pub(super) fn fill(&mut self) -> Result<bool> {
        if self.is_at_end {
            return Ok(false);
        }
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        if self.end == self.bytes.len() {
            // Moving little at a time would copy a long text again and again.
            if self.start >= self.bytes.len() / 2 {
                self.bytes.copy_within(self.start..self.end, 0);
                self.end -= self.start;
                self.start = 0;
            } else {
                self.bytes.resize(2 * self.bytes.len(), 0);
            }
        }
        loop {
            match self.reader.read(&mut self.bytes[self.end..]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
                Ok(length) => {
                    self.end += length;
                    self.is_at_end = length == 0;
                    return Ok(length > 0);
                }
            }
        }
    }

    /// Reads until the text has at least `length` bytes, and returns whether it has.
    pub(super) fn fill_to(&mut self, length: usize) -> Result<bool> {
        while self.text().len() < length {
            if !self.fill()? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Reads to the end of the line that begins the text, and returns its length with its end; the rest of the source where
    /// it has no further line. `None` for a line that is longer than `max_bytes`.
    pub(super) fn fill_line(&mut self, max_bytes: usize) -> Result<Option<usize>> {
        let mut searched = 0;
        loop {
            let text = self.text();
            if let Some(index) = memchr::memchr(b'\n', &text[searched..]) {
                let length = searched + index + 1;
                return Ok((length <= max_bytes).then_some(length));
            }
            searched = text.len();
            if searched > max_bytes {
                return Ok(None);
            }
            if !self.fill()? {
                return Ok(Some(searched));
            }
        }
    }

    /// Consumes this many bytes of the text.
    pub(super) fn consume(&mut self, length: usize) {
        let consumed = &self.bytes[self.start..self.start + length];
        self.location = self.location.after(consumed);
        self.start += length;
    }

    /// Consumes a line with its end. Unlike [`TextBuffer::consume`] it does not look for the end.
    pub(super) fn consume_line(&mut self, length: usize) {
        self.start += length;
        self.location = Location {
            line: self.location.line + 1,
            column: 1,
        };
    }

    /// Consumes the rest of the line, with its end, however long it is.
    pub(super) fn skip_line(&mut self) -> Result<()> {
        loop {
            let text = self.text();
            if let Some(length) = memchr::memchr(b'\n', text) {
                self.consume_line(length + 1);
                return Ok(());
            }
            self.consume(text.len());
            if !self.fill()? {
                return Ok(());
            }
        }
    }

    /// Consumes all bytes at the beginning that match.
    pub(super) fn skip_while(&mut self, matches: impl Fn(u8) -> bool) -> Result<()> {
        loop {
            let text = self.text();
            let length = text.iter().take_while(|byte| matches(**byte)).count();
            let is_all = length == text.len();
            self.consume(length);
            if !is_all || !self.fill()? {
                return Ok(());
            }
        }
    }
}

/// Reads what is not consumed; its lines are no longer counted.
impl<R: Read> Read for TextBuffer<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        if self.start == self.end {
            return if self.is_at_end {
                Ok(0)
            } else {
                self.reader.read(buffer)
            };
        }
        let length = buffer.len().min(self.end - self.start);
        buffer[..length].copy_from_slice(&self.text()[..length]);
        self.start += length;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader that yields a few bytes at a time.
    struct Slow<'t>(&'t [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
            let length = self.0.len().min(self.1).min(buffer.len());
            buffer[..length].copy_from_slice(&self.0[..length]);
            self.0 = &self.0[length..];
            Ok(length)
        }
    }

    #[test]
    fn lines_and_columns_are_counted() {
        for step in 1..8 {
            let mut buffer = TextBuffer::new(Slow(b"ab\ncd\r\n\nef", step));
            assert_eq!(buffer.fill_line(9).unwrap(), Some(3));
            buffer.consume(1);
            assert_eq!(buffer.location(), Location { line: 1, column: 2 });
            assert!(buffer.fill_to(4).unwrap());
            buffer.consume(4);
            assert_eq!(buffer.location(), Location { line: 2, column: 3 });
            buffer.skip_while(|byte| byte < b'a').unwrap();
            assert_eq!(buffer.location(), Location { line: 4, column: 1 });
            assert_eq!(buffer.fill_line(9).unwrap(), Some(2));
            assert_eq!(buffer.fill_line(1).unwrap(), None);
            buffer.skip_line().unwrap();
            assert_eq!(buffer.location(), Location { line: 4, column: 3 });
            assert!(!buffer.fill().unwrap());
        }
    }

    #[test]
    fn a_text_may_be_longer_than_the_buffer() {
        let line = format!("{}\n", "x".repeat(BUFFER_BYTES + 3));
        let text = line.repeat(5);
        let mut buffer = TextBuffer::new(Slow(text.as_bytes(), BUFFER_BYTES - 7));
        for _ in 0..5 {
            assert_eq!(buffer.fill_line(1 << 20).unwrap(), Some(line.len()));
            assert_eq!(&buffer.text()[..line.len()], line.as_bytes());
            buffer.consume_line(line.len());
        }
        assert_eq!(buffer.fill_line(1 << 20).unwrap(), Some(0));
        assert!(buffer.bytes.len() <= 4 * BUFFER_BYTES);
    }
}

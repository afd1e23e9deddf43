//! Finds where the values of a source end, and skips values.

use std::io::{Read, Result};

use super::text_buffer::TextBuffer;
use crate::json::scan::{Scanned, ValueEnd, scalar_len};

/// The longest job, in bytes; also the longest line that is read as a job.
pub(super) const MAX_JOB_BYTES: usize = 8 << 20;

/// How far a value goes in the text that begins with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// The value has this length.
    Whole(usize),
    /// The bracket at this index closes another than the last one.
    Mismatch(usize),
    /// A string does not end on the line that ends at this index.
    LineInString(usize),
    /// A line that begins with `{` at this index can't be part of the value.
    NextJob(usize),
    /// The source ends first, at this index.
    EndOfSource(usize),
    /// The value is longer than [`MAX_JOB_BYTES`].
    TooLong,
}

/// What a line that begins with `{` says about the value before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NextLine {
    /// Nothing: the value may hold it.
    Ignored,
    /// That the value was cut off, where no value may follow.
    EndsUnlessValue,
    /// That the value was cut off.
    Ends,
}

/// Finds the end of the value that begins the text: an object, an array or a string.
///
/// The second result is the index of the first line that begins with `{`, if lines are not ignored and there is one: where the
/// value turns out not to end, another job may begin there.
pub(super) fn extent<R: Read>(
    buffer: &mut TextBuffer<R>,
    next_line: NextLine,
) -> Result<(Extent, Option<usize>)> {
    let is_line_checked = next_line != NextLine::Ignored;
    let mut end = ValueEnd::default();
    let mut scanned = 0;
    let mut next_job = None;
    loop {
        let text = buffer.text();
        let rest = &text[scanned..];
        if rest.is_empty() {
            if !buffer.fill()? {
                return Ok((Extent::EndOfSource(scanned), next_job));
            }
            continue;
        }
        if is_line_checked && scanned > 0 && text[scanned - 1] == b'\n' && rest[0] == b'{' {
            if next_line == NextLine::Ends || !end.expects_value() {
                return Ok((Extent::NextJob(scanned), next_job));
            }
            next_job = next_job.or(Some(scanned));
        }
        let part = match memchr::memchr(b'\n', rest) {
            Some(index) if is_line_checked => &rest[..=index],
            _ => rest,
        };
        let extent = match end.scan(part) {
            Scanned::Unfinished if scanned + part.len() <= MAX_JOB_BYTES => {
                scanned += part.len();
                continue;
            }
            Scanned::Unfinished => Extent::TooLong,
            Scanned::End(at) if scanned + at > MAX_JOB_BYTES => Extent::TooLong,
            Scanned::End(at) => Extent::Whole(scanned + at),
            Scanned::Mismatch(at) => Extent::Mismatch(scanned + at),
            Scanned::LineInString(at) => Extent::LineInString(scanned + at),
        };
        return Ok((extent, next_job));
    }
}

/// Consumes the value that begins the text, of any kind and length. Returns whether it ends, and was one.
pub(super) fn skip_value<R: Read>(buffer: &mut TextBuffer<R>) -> Result<bool> {
    let mut end = ValueEnd::default();
    let is_scalar = !matches!(buffer.text().first(), Some(b'{' | b'[' | b'"'));
    let mut skipped = 0;
    loop {
        let text = buffer.text();
        let length = if is_scalar {
            let length = scalar_len(text);
            if length < text.len() {
                buffer.consume(length);
                return Ok(skipped + length > 0);
            }
            length
        } else {
            match end.scan(text) {
                Scanned::End(length) => {
                    buffer.consume(length);
                    return Ok(true);
                }
                Scanned::Unfinished => text.len(),
                Scanned::Mismatch(_) | Scanned::LineInString(_) => return Ok(false),
            }
        };
        buffer.consume(length);
        skipped += length;
        if !buffer.fill()? {
            return Ok(is_scalar && skipped > 0);
        }
    }
}

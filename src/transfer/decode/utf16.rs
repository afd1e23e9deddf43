//! Reads UTF-16 as UTF-8.

use std::io::{ErrorKind, Read, Result};

use super::format::ByteOrder;
use super::problem::ContentProblem;
use crate::transfer::mistakes::Location;

/// The bytes that are read at a time.
const BUFFER_BYTES: usize = 32 << 10;

/// A reader of UTF-16 that yields UTF-8, without the mark.
pub(super) struct Utf16Reader<R> {
    reader: R,
    order: ByteOrder,
    bytes: Vec<u8>,
    /// The first byte of a unit whose second one was not read yet.
    odd: Option<u8>,
    /// The first unit of a pair whose second one was not read yet.
    high: Option<u16>,
    /// Text that was decoded and not read.
    text: String,
    at: usize,
    is_after_mark: bool,
    /// The problem behind the text.
    problem: Option<ContentProblem>,
    location: Location,
}

impl<R: Read> Utf16Reader<R> {
    pub(super) fn new(reader: R, order: ByteOrder) -> Self {
        Self {
            reader,
            order,
            bytes: vec![0; BUFFER_BYTES],
            odd: None,
            high: None,
            text: String::new(),
            at: 0,
            is_after_mark: false,
            problem: None,
            location: Location { line: 1, column: 1 },
        }
    }

    /// Decodes more text; returns false at the end of the source.
    fn fill(&mut self) -> Result<bool> {
        self.text.clear();
        self.at = 0;
        let length = loop {
            match self.reader.read(&mut self.bytes) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => break result?,
            }
        };
        if length == 0 {
            if self.odd.is_some() || self.high.is_some() {
                self.fail("ends within a character of UTF-16");
            }
            return Ok(false);
        }
        for index in 0..length {
            let byte = self.bytes[index];
            let Some(first) = self.odd.take() else {
                self.odd = Some(byte);
                continue;
            };
            let unit = match self.order {
                ByteOrder::Little => u16::from_le_bytes([first, byte]),
                ByteOrder::Big => u16::from_be_bytes([first, byte]),
            };
            if !std::mem::replace(&mut self.is_after_mark, true) {
                continue;
            }
            if !self.add(unit) {
                break;
            }
        }
        Ok(true)
    }

    /// Adds a unit; returns false for one that has no partner.
    fn add(&mut self, unit: u16) -> bool {
        let high = self.high.take();
        let is_high = (0xd800..0xdc00).contains(&unit);
        if is_high && high.is_none() {
            self.high = Some(unit);
            return true;
        }
        let units = high.into_iter().chain([unit]);
        let Some(Ok(letter)) = char::decode_utf16(units).next() else {
            let lone = high.unwrap_or(unit);
            self.fail(&format!(
                "half of a character of UTF-16 (0x{lone:04x}) has no other half; save the file as UTF-8"
            ));
            return false;
        };
        self.text.push(letter);
        if letter == '\n' {
            self.location.line += 1;
            self.location.column = 1;
        } else {
            self.location.column += letter.len_utf8();
        }
        true
    }

    fn fail(&mut self, problem: &str) {
        self.problem = Some(ContentProblem::within(Some(self.location), problem));
    }
}

impl<R: Read> Read for Utf16Reader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        while self.at == self.text.len() {
            if let Some(problem) = &self.problem {
                return Err(problem.clone().into());
            }
            if !self.fill()? && self.problem.is_none() {
                return Ok(0);
            }
        }
        let rest = &self.text.as_bytes()[self.at..];
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        self.at += length;
        Ok(length)
    }
}

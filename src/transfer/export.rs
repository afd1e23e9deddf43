//! Export: writes jobs, every one or those of a list, in the format and the compression of its file.

use std::io::{Result as IoResult, Write};
use std::path::Path;

use flate2::write::GzEncoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use super::csv;
use super::error::TransferError;
use super::mongodb;
use crate::job::Shape;
use crate::query::ListPlan;
use crate::store::{Document, ReadTransaction, StoreError};

/// The bytes of a frame of zstd. Each is compressed by itself, in memory.
const FRAME_BYTES: usize = 4 << 20;

/// The format of a file of jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// One job, as JSON, a line.
    Ndjson,
    /// For spreadsheets.
    Csv,
    /// For SpaceONE's own collection of jobs, of a generation.
    Mongodb(Shape),
}

impl ExportFormat {
    /// Returns the format of a file by its name.
    #[must_use]
    pub fn of_name(path: &Path) -> Self {
        let path = match Compression::of_name(path) {
            Compression::None => path.to_owned(),
            Compression::Gzip | Compression::Zstd => path.with_extension(""),
        };
        if has_ending(&path, "csv") {
            Self::Csv
        } else {
            Self::Ndjson
        }
    }
}

/// The compression of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    None,
    Gzip,
    Zstd,
}

impl Compression {
    /// Returns the compression of a file by its name.
    #[must_use]
    pub fn of_name(path: &Path) -> Self {
        if has_ending(path, "gz") {
            Self::Gzip
        } else if has_ending(path, "zst") {
            Self::Zstd
        } else {
            Self::None
        }
    }
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension()
        .is_some_and(|found| found.eq_ignore_ascii_case(ending))
}

/// A writer that compresses; [`Compressor::finish`] writes the end.
#[derive(Debug)]
pub enum Compressor<W: Write> {
    None(W),
    Gzip(Box<GzEncoder<W>>),
    /// The bytes of the frame that is not full.
    Zstd(W, Vec<u8>),
}

impl<W: Write> Compressor<W> {
    pub fn new(out: W, compression: Compression) -> Self {
        match compression {
            Compression::None => Self::None(out),
            Compression::Gzip => {
                let encoder = GzEncoder::new(out, flate2::Compression::default());
                Self::Gzip(Box::new(encoder))
            }
            Compression::Zstd => Self::Zstd(out, Vec::with_capacity(FRAME_BYTES)),
        }
    }

    /// Writes what is left, and flushes the output.
    ///
    /// # Errors
    /// Where the output can't be written.
    pub fn finish(self) -> IoResult<()> {
        match self {
            Self::None(mut out) => out.flush(),
            Self::Gzip(encoder) => encoder.finish()?.flush(),
            Self::Zstd(mut out, frame) => {
                // Without jobs, too, the file is one of zstd.
                out.write_all(&compressed(&frame))?;
                out.flush()
            }
        }
    }
}

impl<W: Write> Write for Compressor<W> {
    fn write(&mut self, bytes: &[u8]) -> IoResult<usize> {
        match self {
            Self::None(out) => out.write(bytes),
            Self::Gzip(encoder) => encoder.write(bytes),
            Self::Zstd(out, frame) => {
                let length = bytes.len().min(FRAME_BYTES - frame.len());
                frame.extend_from_slice(&bytes[..length]);
                if frame.len() == FRAME_BYTES {
                    out.write_all(&compressed(frame))?;
                    frame.clear();
                }
                Ok(length)
            }
        }
    }

    /// Does nothing where bytes are compressed: a file is read when it is whole.
    fn flush(&mut self) -> IoResult<()> {
        match self {
            Self::None(out) => out.flush(),
            Self::Gzip(_) | Self::Zstd(..) => Ok(()),
        }
    }
}

fn compressed(frame: &[u8]) -> Vec<u8> {
    compress_to_vec(frame, CompressionLevel::Fastest)
}

/// Writes documents in a format.
pub struct JobWriter<'w> {
    out: &'w mut dyn Write,
    format: ExportFormat,
    line: Vec<u8>,
}

impl<'w> JobWriter<'w> {
    /// Writes the head of the file, if the format has one.
    ///
    /// # Errors
    /// Where the output can't be written.
    pub fn begin(out: &'w mut dyn Write, format: ExportFormat) -> IoResult<Self> {
        let mut head = Vec::new();
        match format {
            ExportFormat::Ndjson | ExportFormat::Mongodb(_) => {}
            ExportFormat::Csv => csv::write_head(&mut head),
        }
        out.write_all(&head)?;
        Ok(Self {
            out,
            format,
            line: head,
        })
    }

    /// Writes the document of a job.
    ///
    /// # Errors
    /// Where the output can't be written, or the text is no document.
    pub fn write(&mut self, document: &str) -> IoResult<()> {
        self.line.clear();
        match self.format {
            ExportFormat::Ndjson => {
                self.line.extend_from_slice(document.as_bytes());
                self.line.push(b'\n');
            }
            ExportFormat::Csv => csv::write_job(document, &mut self.line)?,
            ExportFormat::Mongodb(shape) => mongodb::write_job(document, shape, &mut self.line)?,
        }
        self.out.write_all(&self.line)
    }

    fn write_stored(&mut self, document: Document<'_>) -> IoResult<()> {
        if self.format != ExportFormat::Ndjson {
            return self.write(&document.to_text());
        }
        self.line.clear();
        document.write_to(&mut self.line);
        self.line.push(b'\n');
        self.out.write_all(&self.line)
    }

    /// Flushes the output.
    ///
    /// # Errors
    /// Where it can't be written.
    pub fn finish(self) -> IoResult<()> {
        self.out.flush()
    }
}

/// Which jobs are exported.
#[derive(Debug)]
pub enum Selection {
    /// Every job, in the order in which they were first written.
    All,
    /// Those of a list, in its order.
    List(Box<ListPlan>),
}

/// Writes jobs, and returns their number.
///
/// # Errors
/// [`TransferError`] when the database can't be read or the output can't be written.
pub fn export(
    transaction: &ReadTransaction<'_>,
    selection: &Selection,
    name: &str,
    format: ExportFormat,
    out: &mut dyn Write,
) -> Result<u64, TransferError> {
    let io = |error| TransferError::Io {
        name: name.to_owned(),
        error,
    };
    let mut writer = JobWriter::begin(out, format).map_err(io)?;
    let mut count = 0;
    let mut output_error = None;
    let mut each = |document: Document<'_>| {
        count += 1;
        writer.write_stored(document).map_err(|error| {
            output_error = Some(error);
            StoreError::Cancelled
        })
    };
    let result = match selection {
        Selection::All => transaction.every_document(&mut each),
        Selection::List(plan) => transaction.list(plan, &mut each).map(|_total| ()),
    };
    match (result, output_error) {
        (_, Some(error)) => Err(io(error)),
        (Err(error), None) => Err(error.into()),
        (Ok(()), None) => writer.finish().map(|()| count).map_err(io),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read};

    use super::*;
    use crate::transfer::decode::{Decoding, decoded};

    #[test]
    fn a_file_has_its_format_by_its_name() {
        for (name, format, compression) in [
            ("x", ExportFormat::Ndjson, Compression::None),
            ("x.ndjson", ExportFormat::Ndjson, Compression::None),
            ("x.NDJSON.GZ", ExportFormat::Ndjson, Compression::Gzip),
            ("a/x.json.zst", ExportFormat::Ndjson, Compression::Zstd),
            ("x.csv", ExportFormat::Csv, Compression::None),
            ("x.csv.gz", ExportFormat::Csv, Compression::Gzip),
            ("csv.gz", ExportFormat::Ndjson, Compression::Gzip),
        ] {
            let path = Path::new(name);
            assert_eq!(ExportFormat::of_name(path), format, "{name}");
            assert_eq!(Compression::of_name(path), compression, "{name}");
        }
    }

    #[test]
    fn what_is_compressed_is_read_again() {
        let long = "some text, and more of it\n".repeat(400_000);
        for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
            for text in ["", "short", &long] {
                let mut bytes = Vec::new();
                let mut compressor = Compressor::new(&mut bytes, compression);
                compressor.write_all(text.as_bytes()).unwrap();
                compressor.finish().unwrap();
                let is_short = bytes.len() < text.len() / 50;
                assert_eq!(is_short, text == long && compression != Compression::None);
                let mut again = String::new();
                decoded(Box::new(Cursor::new(bytes)), Decoding::default())
                    .unwrap()
                    .read_to_string(&mut again)
                    .unwrap();
                assert!(again == text);
            }
        }
    }
}

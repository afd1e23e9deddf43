//! Decompresses gzip of several members, and zstd of several frames.

use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result};

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::problem::ContentProblem;

/// The compressed bytes that are read at a time.
const BUFFER_BYTES: usize = 64 << 10;

/// A decompressor of gzip.
pub(super) struct GzipReader<R>(MultiGzDecoder<BufReader<R>>);

impl<R: Read> GzipReader<R> {
    pub(super) fn new(reader: R) -> Self {
        Self(MultiGzDecoder::new(BufReader::with_capacity(
            BUFFER_BYTES,
            reader,
        )))
    }
}

impl<R: Read> Read for GzipReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        self.0.read(buffer).map_err(|error| damaged("gzip", error))
    }
}

/// Returns the problem of damaged data; an error of a source that can't be read stays.
fn damaged(name: &str, error: Error) -> Error {
    let is_of_data = error.raw_os_error().is_none() && ContentProblem::of(&error).is_none();
    match error.kind() {
        ErrorKind::UnexpectedEof if is_of_data => {
            let problem = format!("the {name} data ends before its end: the file is not whole");
            ContentProblem::within(None, problem).into()
        }
        ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::Other if is_of_data => {
            ContentProblem::within(None, format!("the {name} data is damaged: {error}")).into()
        }
        _ => error,
    }
}

/// A decompressor of zstd. (ruzstd reads one frame, and has no error for a wrong checksum.)
pub(super) struct ZstdReader<R> {
    reader: BufReader<R>,
    decoder: FrameDecoder,
    is_in_frame: bool,
}

impl<R: Read> ZstdReader<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            reader: BufReader::with_capacity(BUFFER_BYTES, reader),
            decoder: FrameDecoder::new(),
            is_in_frame: false,
        }
    }

    /// Begins the next frame; returns false at the end of the source.
    fn begin_frame(&mut self) -> Result<bool> {
        loop {
            if self.reader.fill_buf()?.is_empty() {
                return Ok(false);
            }
            match self.decoder.reset(&mut self.reader) {
                Ok(()) => {
                    self.is_in_frame = true;
                    return Ok(true);
                }
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let skipped = (&mut self.reader).take(length.into());
                    std::io::copy(&mut { skipped }, &mut std::io::sink())?;
                }
                Err(error) => return Err(zstd_damaged(&error)),
            }
        }
    }

    fn end_frame(&mut self) -> Result<()> {
        self.is_in_frame = false;
        let expected = self.decoder.get_checksum_from_data();
        if expected.is_some() && expected != self.decoder.get_calculated_checksum() {
            let problem = "the zstd data is damaged: its checksum is wrong";
            return Err(ContentProblem::within(None, problem).into());
        }
        Ok(())
    }
}

impl<R: Read> Read for ZstdReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        loop {
            if !self.is_in_frame && !self.begin_frame()? {
                return Ok(0);
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                self.decoder
                    .decode_blocks(&mut self.reader, BlockDecodingStrategy::UptoBlocks(1))
                    .map_err(|error| zstd_damaged(&error))?;
            }
            let length = self.decoder.read(buffer)?;
            if length > 0 {
                return Ok(length);
            }
            self.end_frame()?;
        }
    }
}

/// Returns the error of a frame: that of the source, where it is one.
fn zstd_damaged(error: &FrameDecoderError) -> Error {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<Error>() {
            let kind = io.kind();
            return match io.raw_os_error() {
                Some(code) => Error::from_raw_os_error(code),
                None => damaged("zstd", Error::new(kind, io.to_string())),
            };
        }
        cause = error.source();
    }
    damaged(
        "zstd",
        Error::new(ErrorKind::InvalidData, error.to_string()),
    )
}

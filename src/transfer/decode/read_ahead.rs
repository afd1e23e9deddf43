//! Reads a source ahead on a thread of its own.

use std::io::{ErrorKind, Read, Result};
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::thread;

/// The bytes that are read at a time.
const CHUNK_BYTES: usize = 256 << 10;
/// The chunks that may wait for the reader.
const CHUNKS_AHEAD: usize = 4;

/// The reading end of a thread that reads ahead: while one core decompresses, another reads the jobs.
///
/// Where this is dropped before the end, the thread ends at its next chunk.
pub(super) struct ReadAhead {
    chunks: Receiver<Result<Vec<u8>>>,
    /// Takes chunks that were read, to be filled again.
    spent: Sender<Vec<u8>>,
    chunk: Vec<u8>,
    at: usize,
}

impl ReadAhead {
    pub(super) fn new(reader: impl Read + Send + 'static) -> Self {
        let (sender, chunks) = mpsc::sync_channel(CHUNKS_AHEAD);
        let (spent, returned) = mpsc::channel();
        thread::spawn(move || read_chunks(reader, &sender, &returned));
        Self {
            chunks,
            spent,
            chunk: Vec::new(),
            at: 0,
        }
    }
}

/// Reads chunks until the source ends or fails, or nobody takes them any more.
fn read_chunks(
    mut reader: impl Read,
    chunks: &SyncSender<Result<Vec<u8>>>,
    returned: &Receiver<Vec<u8>>,
) {
    loop {
        let mut chunk = returned.try_recv().unwrap_or_default();
        chunk.resize(CHUNK_BYTES, 0);
        let (length, end) = fill(&mut reader, &mut chunk);
        chunk.truncate(length);
        let is_sent = length == 0 || chunks.send(Ok(chunk)).is_ok();
        match end {
            Some(Ok(())) => return,
            Some(Err(error)) => {
                // The receiver may be gone.
                let _ = chunks.send(Err(error));
                return;
            }
            None if !is_sent => return,
            None => {}
        }
    }
}

/// Fills a chunk. Returns the length that was read, and how the source ended, if it did.
fn fill(reader: &mut impl Read, chunk: &mut [u8]) -> (usize, Option<Result<()>>) {
    let mut length = 0;
    while length < chunk.len() {
        match reader.read(&mut chunk[length..]) {
            Ok(0) => return (length, Some(Ok(()))),
            Ok(more) => length += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return (length, Some(Err(error))),
        }
    }
    (length, None)
}

impl Read for ReadAhead {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        if self.at == self.chunk.len() {
            // The thread ends when the source does.
            let Ok(chunk) = self.chunks.recv() else {
                return Ok(0);
            };
            let spent = std::mem::replace(&mut self.chunk, chunk?);
            self.at = 0;
            let _ = self.spent.send(spent);
        }
        let rest = &self.chunk[self.at..];
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        self.at += length;
        Ok(length)
    }
}

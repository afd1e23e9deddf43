//! `WatchedFile`: a small file whose content is read again when it changes.

use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

/// The longest file, in bytes.
pub(crate) const MAX_BYTES: u64 = 1 << 20;

/// A file, and the value of its content. While the content is wrong, the value stays that of before, and the log says why.
#[derive(Debug)]
pub(crate) struct WatchedFile<T, E> {
    path: PathBuf,
    /// What the file has, in the plural, for the log.
    what: &'static str,
    read: fn(&Path) -> Result<Vec<u8>, E>,
    parse: fn(&Path, &[u8]) -> Result<T, E>,
    state: RwLock<State<T>>,
}

#[derive(Debug)]
struct State<T> {
    value: T,
    /// The content that was last loaded or refused; `None` if the file could not be read.
    loaded: Option<Vec<u8>>,
    /// The content at the last poll.
    polled: Option<Vec<u8>>,
}

impl<T: Clone, E: Display> WatchedFile<T, E> {
    /// Reads a file.
    ///
    /// # Errors
    /// Those of `read` and `parse`.
    pub(crate) fn open(
        path: &Path,
        what: &'static str,
        read: fn(&Path) -> Result<Vec<u8>, E>,
        parse: fn(&Path, &[u8]) -> Result<T, E>,
    ) -> Result<Self, E> {
        let content = read(path)?;
        Ok(Self {
            path: path.to_owned(),
            what,
            read,
            parse,
            state: RwLock::new(State {
                value: parse(path, &content)?,
                loaded: Some(content.clone()),
                polled: Some(content),
            }),
        })
    }

    /// Returns the present value.
    pub(crate) fn value(&self) -> T {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.value.clone()
    }

    /// Loads the file if it has changed and is the same as at the last poll. The second condition lets it be written to its end.
    /// The content is compared, because times of files can be wrong.
    pub(crate) fn poll(&self) {
        let result = (self.read)(&self.path);
        let content = result.as_ref().ok();
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let is_steady = content == state.polled.as_ref();
        let is_changed = content != state.loaded.as_ref();
        state.polled = content.cloned();
        if is_steady && is_changed {
            self.load(&mut state, result);
        }
    }

    /// Loads the file immediately, whether it has changed or not.
    pub(crate) fn reload(&self) {
        let result = (self.read)(&self.path);
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.polled = result.as_ref().ok().cloned();
        self.load(&mut state, result);
    }

    fn load(&self, state: &mut State<T>, result: Result<Vec<u8>, E>) {
        state.loaded = result.as_ref().ok().cloned();
        match result.and_then(|content| (self.parse)(&self.path, &content)) {
            Ok(value) => {
                log::info!("{}: the {} were loaded", self.path.display(), self.what);
                state.value = value;
            }
            Err(error) => {
                let what = self.what;
                log::error!("the {what} can't be loaded and stay as they were: {error}");
            }
        }
    }
}

/// Reads the content of a file of at most 1 MiB.
///
/// # Errors
/// Where it can't be read, is longer, or is no file: a pipe may never end, or may be empty the next time.
pub(crate) fn read_small_file(path: &Path) -> io::Result<Vec<u8>> {
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::other("is not a file"));
    }
    if metadata.len() > MAX_BYTES {
        return Err(io::Error::other("is longer than 1 MiB"));
    }
    std::fs::read(path)
}

/// Returns the text of a content.
///
/// # Errors
/// The number of the line that is not UTF-8.
pub(crate) fn text(content: &[u8]) -> Result<&str, usize> {
    std::str::from_utf8(content).map_err(|error| line_at(content, error.valid_up_to()))
}

/// Returns the number of the line that has a position, in bytes.
pub(crate) fn line_at(content: &[u8], position: usize) -> usize {
    let before = content.get(..position).unwrap_or_default();
    memchr::memchr_iter(b'\n', before).count() + 1
}

//! The log: a line a record on standard error, which never blocks the server.
//!
//! A thread that logs puts its line into memory and continues; one thread writes the lines. Where standard error is closed,
//! full, or read by nobody, lines are lost, and their number is logged when it accepts lines again. Lines are bounded, and
//! text from clients can neither end a line nor contain control characters of a terminal.

use std::fmt::{self, Display};
use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use env_logger::{Builder, Env, Target};
use jobdeck::clock::Clock;
use log::Record;
use log::kv::{Error, Key, Value, VisitSource, VisitValue};

/// The default of `RUST_LOG` with a line for each request. Without the dispatcher, which would log every request that is no
/// HTTP, so that a client could fill the disk.
pub(super) const WITH_REQUESTS: &str = "info,actix_server=warn,actix_http::h1::dispatcher=off";
/// The default of `RUST_LOG` with lines for failed requests only.
pub(super) const QUIET: &str = "info,jobdeck::access=error,actix_server=warn,actix_http::h1::dispatcher=off,rustls_platform_verifier=off";

/// The most characters that are written of a message or a value.
const MAX_CHARS: usize = 4_000;
/// The most bytes that wait to be written; further lines are lost.
const MAX_PENDING_BYTES: usize = 1 << 20;
/// How long lines are collected before they are written, so that a busy server writes many at once.
const COLLECT: Duration = Duration::from_millis(5);
/// How long the process waits, before it ends, for the last lines to be written.
const MAX_WAIT: Duration = Duration::from_secs(1);

/// The format of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    // `[TIME LEVEL TARGET] message key=value …`; no doc comment, which would be printed by `--help`.
    Text,
    // `{"time", "level", "target", "message", …}`
    Json,
}

/// The log of this process.
#[derive(Debug)]
pub(crate) struct Log(Arc<Lines>);

impl Log {
    /// Starts the log of the process; `filter` is the default of `RUST_LOG`.
    pub(super) fn start(format: Format, filter: &str) -> Self {
        let lines = Arc::new(Lines::default());
        let written = Arc::clone(&lines);
        // Without a thread lines are lost, as they are where standard error is closed.
        let _ = thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || written.keep_writing(std::io::stderr()));
        let sink = Sink(Arc::clone(&lines));
        // Fails where the process has a logger already, which it has not.
        let _ = Builder::from_env(Env::default().default_filter_or(filter))
            .target(Target::Pipe(Box::new(sink)))
            .format(move |out, record| {
                let time = Clock::SYSTEM.now();
                match format {
                    Format::Text => write_text(out, &time, record),
                    Format::Json => write_json(out, &time, record),
                }
            })
            .try_init();
        Self(lines)
    }

    /// Waits until all lines are written, for a second at most.
    pub(crate) fn finish(self) {
        self.0.wait_until_written(MAX_WAIT);
    }
}

/// Lines on their way to standard error.
#[derive(Debug, Default)]
struct Lines {
    state: Mutex<State>,
    /// Notified when there are lines to write.
    is_filled: Condvar,
    /// Notified when all lines are written.
    is_empty: Condvar,
}

#[derive(Debug, Default)]
struct State {
    pending: Vec<u8>,
    /// The number of pending lines.
    count: u64,
    lost: u64,
    is_writer_asleep: bool,
    is_writing: bool,
}

impl Lines {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a line, or counts it as lost where there is no room.
    fn add(&self, line: &[u8]) {
        let mut state = self.state();
        if state.pending.len() + line.len() > MAX_PENDING_BYTES {
            state.lost += 1;
            return;
        }
        state.pending.extend_from_slice(line);
        state.count += 1;
        if std::mem::take(&mut state.is_writer_asleep) {
            drop(state);
            self.is_filled.notify_one();
        }
    }

    /// Writes lines for ever.
    fn keep_writing(&self, mut out: impl Write) -> ! {
        let mut lines = Vec::new();
        let mut lost = 0;
        loop {
            let mut state = self.state();
            state.is_writing = false;
            while state.pending.is_empty() {
                self.is_empty.notify_all();
                state.is_writer_asleep = true;
                state = self
                    .is_filled
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            drop(state);
            thread::sleep(COLLECT);
            lines.clear();
            let mut state = self.state();
            std::mem::swap(&mut state.pending, &mut lines);
            let count = std::mem::take(&mut state.count);
            lost += std::mem::take(&mut state.lost);
            state.is_writing = true;
            drop(state);
            if out.write_all(&lines).is_err() {
                // Standard error is closed, or its disk is full: the number of lost lines is logged later.
                lost += count;
            } else if lost > 0 {
                log::warn!("{lost} lines of the log were lost: standard error did not take them");
                lost = 0;
            }
        }
    }

    fn wait_until_written(&self, max_wait: Duration) {
        let start = Instant::now();
        let mut state = self.state();
        while state.is_writing || !state.pending.is_empty() {
            let rest = max_wait.saturating_sub(start.elapsed());
            if rest.is_zero() {
                return;
            }
            (state, _) = self
                .is_empty
                .wait_timeout(state, rest)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// What the logger writes to, one line at a time.
struct Sink(Arc<Lines>);

impl Write for Sink {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        self.0.add(line);
        Ok(line.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn write_text(
    out: &mut impl Write,
    time: &impl Display,
    record: &Record<'_>,
) -> std::io::Result<()> {
    let (level, target) = (record.level(), record.target());
    write!(out, "[{time} {level:<5} {target}] ")?;
    write_escaped(out, &record.args().to_string())?;
    let mut pairs = Pairs(|key: &str, value: &Scalar<'_>| {
        out.write_all(b" ")?;
        out.write_all(key.as_bytes())?;
        out.write_all(b"=")?;
        match value {
            Scalar::Text(text) if is_plain(text) => out.write_all(text.as_bytes()),
            Scalar::Text(text) => {
                out.write_all(b"\"")?;
                write_escaped(out, text)?;
                out.write_all(b"\"")
            }
            Scalar::Number(number) => write!(out, "{number}"),
        }
    });
    record
        .key_values()
        .visit(&mut pairs)
        .map_err(std::io::Error::other)?;
    out.write_all(b"\n")
}

/// Whether a text needs no quotes.
fn is_plain(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= MAX_CHARS
        && text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"\"\\=".contains(&byte))
}

/// Writes the beginning of a text, with everything escaped that could end the line.
fn write_escaped(out: &mut impl Write, text: &str) -> std::io::Result<()> {
    // Most texts need no escapes, and written letter by letter they would be much of the cost of a line.
    let is_safe = |byte: u8| (byte.is_ascii_graphic() || byte == b' ') && !b"\"\\".contains(&byte);
    if text.len() <= MAX_CHARS && text.bytes().all(is_safe) {
        return out.write_all(text.as_bytes());
    }
    let mut rest = text.chars();
    for letter in rest.by_ref().take(MAX_CHARS) {
        // An apostrophe needs no escape within double quotes.
        if letter == '\'' {
            out.write_all(b"'")?;
        } else {
            write!(out, "{}", letter.escape_debug())?;
        }
    }
    out.write_all(if rest.next().is_some() {
        "…".as_bytes()
    } else {
        b""
    })
}

fn write_json(
    out: &mut impl Write,
    time: &impl Display,
    record: &Record<'_>,
) -> std::io::Result<()> {
    let (level, target) = (record.level(), record.target());
    write!(
        out,
        "{{\"time\":\"{time}\",\"level\":\"{level}\",\"target\":"
    )?;
    write_string(out, target)?;
    out.write_all(b",\"message\":")?;
    write_string(out, &record.args().to_string())?;
    let mut pairs = Pairs(|key: &str, value: &Scalar<'_>| {
        out.write_all(b",")?;
        write_string(out, key)?;
        out.write_all(b":")?;
        match value {
            Scalar::Text(text) => write_string(out, text),
            Scalar::Number(number) => write!(out, "{number}"),
        }
    });
    record
        .key_values()
        .visit(&mut pairs)
        .map_err(std::io::Error::other)?;
    out.write_all(b"}\n")
}

/// Writes the beginning of a text as JSON.
fn write_string(out: &mut impl Write, text: &str) -> std::io::Result<()> {
    let text = match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => text.get(..end).unwrap_or_default(),
        None => text,
    };
    let is_control = |letter: char| letter.is_control() && letter >= '\u{7f}';
    if !text.contains(is_control) {
        return Ok(serde_json::to_writer(out, text)?);
    }
    // JSON requires escapes only up to 1F, but terminals obey these control characters, too.
    for letter in serde_json::to_string(text)?.chars() {
        if is_control(letter) {
            write!(out, "\\u{:04x}", u32::from(letter))?;
        } else {
            write!(out, "{letter}")?;
        }
    }
    Ok(())
}

/// A value of a record.
enum Scalar<'v> {
    Text(&'v str),
    /// A number, true or false: as JSON writes it.
    Number(serde_json::Value),
}

/// Calls a function with each pair of a record that has a value.
struct Pairs<F>(F);

impl<'k, F: FnMut(&str, &Scalar<'_>) -> std::io::Result<()>> VisitSource<'k> for Pairs<F> {
    fn visit_pair(&mut self, key: Key<'k>, value: Value<'k>) -> Result<(), Error> {
        value.visit(OneValue {
            key: key.as_str(),
            each: &mut self.0,
        })
    }
}

struct OneValue<'p, F> {
    key: &'p str,
    each: &'p mut F,
}

impl<F: FnMut(&str, &Scalar<'_>) -> std::io::Result<()>> OneValue<'_, F> {
    fn call(&mut self, value: &Scalar<'_>) -> Result<(), Error> {
        (self.each)(self.key, value).map_err(|_unwritten| fmt::Error.into())
    }
}

impl<F: FnMut(&str, &Scalar<'_>) -> std::io::Result<()>> VisitValue<'_> for OneValue<'_, F> {
    fn visit_any(&mut self, value: Value<'_>) -> Result<(), Error> {
        self.call(&Scalar::Text(&value.to_string()))
    }
    fn visit_null(&mut self) -> Result<(), Error> {
        Ok(())
    }
    fn visit_str(&mut self, value: &str) -> Result<(), Error> {
        self.call(&Scalar::Text(value))
    }
    fn visit_u64(&mut self, value: u64) -> Result<(), Error> {
        self.call(&Scalar::Number(value.into()))
    }
    fn visit_i64(&mut self, value: i64) -> Result<(), Error> {
        self.call(&Scalar::Number(value.into()))
    }
    fn visit_f64(&mut self, value: f64) -> Result<(), Error> {
        self.call(&Scalar::Number(value.into()))
    }
    fn visit_bool(&mut self, value: bool) -> Result<(), Error> {
        self.call(&Scalar::Number(value.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(message: &str, value: &str) -> [String; 2] {
        let pairs = [("key", value)];
        let time = "now";
        let (mut text, mut json) = (Vec::new(), Vec::new());
        let args = format_args!("{message}");
        let mut record = Record::builder();
        let record = record.target("t").key_values(&pairs).args(args).build();
        write_text(&mut text, &time, &record).unwrap();
        write_json(&mut json, &time, &record).unwrap();
        [text, json].map(|line| String::from_utf8(line).unwrap())
    }

    #[test]
    fn a_record_is_one_line_whatever_it_holds() {
        for (message, value, text, json) in [
            (
                "said",
                "plain",
                "[now INFO  t] said key=plain\n",
                "{\"time\":\"now\",\"level\":\"INFO\",\"target\":\"t\",\"message\":\"said\",\"key\":\"plain\"}\n",
            ),
            (
                "it's\n[now ERROR t] forged",
                "a b\"=\u{1b}[31m\u{9b}",
                "[now INFO  t] it's\\n[now ERROR t] forged key=\"a b\\\"=\\u{1b}[31m\\u{9b}\"\n",
                "{\"time\":\"now\",\"level\":\"INFO\",\"target\":\"t\",\"message\":\"it's\\n[now ERROR t] forged\",\"key\":\"a b\\\"=\\u001b[31m\\u009b\"}\n",
            ),
            (
                "",
                "",
                "[now INFO  t]  key=\"\"\n",
                "{\"time\":\"now\",\"level\":\"INFO\",\"target\":\"t\",\"message\":\"\",\"key\":\"\"}\n",
            ),
        ] {
            assert_eq!(lines(message, value), [text, json]);
        }
    }

    #[test]
    fn a_line_is_bounded() {
        let long = "é".repeat(100_000);
        for line in lines(&long, &long) {
            let letters = line.chars().filter(|letter| *letter == 'é').count();
            assert_eq!(letters, 2 * MAX_CHARS);
            assert!(line.len() < 5 * MAX_CHARS, "{}", line.len());
        }
    }
}

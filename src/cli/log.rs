//! The log: a line a record on standard error, which can't hurt the server.
//!
//! Whoever logs leaves its line in memory and goes on; a thread of its own writes. So a standard error that is closed, full,
//! or read by nobody costs lines, and how many is said once it takes some again; it stops nothing. Lines are bounded, and
//! what a client sent can neither end one nor reach a terminal's controls.

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

/// What is logged where `RUST_LOG` does not say otherwise: with a line a request. The dispatcher would write one for each
/// request that is no HTTP, too, and whoever sends some could fill the disk.
pub(super) const USUAL: &str = "info,actix_server=warn,actix_http::h1::dispatcher=off";
/// And with lines of failed requests alone.
pub(super) const QUIET: &str =
    "info,jobdeck::access=error,actix_server=warn,actix_http::h1::dispatcher=off";

/// The most of a message or a value that is written, in characters.
const MAX_CHARS: usize = 4_000;
/// How much waits for standard error to take it, in bytes; what is more is lost.
const MAX_WAITING_BYTES: usize = 1 << 20;
/// How long lines are gathered before they are written: one write for many of a busy server.
const GATHER: Duration = Duration::from_millis(5);
/// How long the end of the process waits for its last lines to be written.
const LAST_LINES: Duration = Duration::from_secs(1);

/// How a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    // `[TIME LEVEL TARGET] message key=value …`; no doc comment, which would stand in `--help`.
    Text,
    // `{"time", "level", "target", "message", …}`
    Json,
}

/// The log of this process.
#[derive(Debug)]
pub(crate) struct Log(Arc<Lines>);

impl Log {
    /// Starts it; `filter` is what `RUST_LOG` says where it says nothing.
    pub(super) fn start(format: Format, filter: &str) -> Self {
        let lines = Arc::new(Lines::default());
        let written = Arc::clone(&lines);
        // Where no thread can be had, lines are lost, as they are where standard error is closed.
        let _ = thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || written.keep_writing(std::io::stderr()));
        let waiting = Waiting(Arc::clone(&lines));
        // There is one logger in a process, and this is it.
        let _ = Builder::from_env(Env::default().default_filter_or(filter))
            .target(Target::Pipe(Box::new(waiting)))
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

    /// Waits until all is written that was logged, but not for ever.
    pub(crate) fn finish(self) {
        self.0.wait_until_written(LAST_LINES);
    }
}

/// Lines on their way to standard error.
#[derive(Debug, Default)]
struct Lines {
    state: Mutex<State>,
    /// There is something to write.
    more: Condvar,
    /// There is nothing more to write.
    none: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: Vec<u8>,
    /// How many lines that are.
    count: u64,
    lost: u64,
    is_writer_asleep: bool,
    is_writing: bool,
}

impl Lines {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a line, where there is room for it.
    fn add(&self, line: &[u8]) {
        let mut state = self.state();
        if state.waiting.len() + line.len() > MAX_WAITING_BYTES {
            state.lost += 1;
            return;
        }
        state.waiting.extend_from_slice(line);
        state.count += 1;
        if std::mem::take(&mut state.is_writer_asleep) {
            drop(state);
            self.more.notify_one();
        }
    }

    fn keep_writing(&self, mut out: impl Write) -> ! {
        let mut lines = Vec::new();
        let mut lost = 0;
        loop {
            let mut state = self.state();
            state.is_writing = false;
            while state.waiting.is_empty() {
                self.none.notify_all();
                state.is_writer_asleep = true;
                state = self
                    .more
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            drop(state);
            thread::sleep(GATHER);
            lines.clear();
            let mut state = self.state();
            std::mem::swap(&mut state.waiting, &mut lines);
            let count = std::mem::take(&mut state.count);
            lost += std::mem::take(&mut state.lost);
            state.is_writing = true;
            drop(state);
            if out.write_all(&lines).is_err() {
                // It is closed, or its disk full: there is nobody to tell.
                lost += count;
            } else if lost > 0 {
                log::warn!("{lost} lines of the log were lost: standard error did not take them");
                lost = 0;
            }
        }
    }

    fn wait_until_written(&self, most: Duration) {
        let start = Instant::now();
        let mut state = self.state();
        while state.is_writing || !state.waiting.is_empty() {
            let rest = most.saturating_sub(start.elapsed());
            if rest.is_zero() {
                return;
            }
            (state, _) = self
                .none
                .wait_timeout(state, rest)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// What the logger writes to: a line each time.
struct Waiting(Arc<Lines>);

impl Write for Waiting {
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

/// Whether a text can stand without quotes.
fn is_plain(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= MAX_CHARS
        && text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"\"\\=".contains(&byte))
}

/// Writes the beginning of a text, in which nothing is left that could end the line.
fn write_escaped(out: &mut impl Write, text: &str) -> std::io::Result<()> {
    // Most texts stay as they are, and letter by letter they are a good part of what a line costs.
    let stays = |byte: u8| (byte.is_ascii_graphic() || byte == b' ') && !b"\"\\".contains(&byte);
    if text.len() <= MAX_CHARS && text.bytes().all(stays) {
        return out.write_all(text.as_bytes());
    }
    let mut rest = text.chars();
    for letter in rest.by_ref().take(MAX_CHARS) {
        // An apostrophe needs no escape within quotes of the other kind.
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
    // JSON has them escaped up to 1F only, and terminals obey these, too.
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

/// Hands each pair of a record on that has a value.
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
    fn hand_on(&mut self, value: &Scalar<'_>) -> Result<(), Error> {
        (self.each)(self.key, value).map_err(|_unwritten| fmt::Error.into())
    }
}

impl<F: FnMut(&str, &Scalar<'_>) -> std::io::Result<()>> VisitValue<'_> for OneValue<'_, F> {
    fn visit_any(&mut self, value: Value<'_>) -> Result<(), Error> {
        self.hand_on(&Scalar::Text(&value.to_string()))
    }
    fn visit_null(&mut self) -> Result<(), Error> {
        Ok(())
    }
    fn visit_str(&mut self, value: &str) -> Result<(), Error> {
        self.hand_on(&Scalar::Text(value))
    }
    fn visit_u64(&mut self, value: u64) -> Result<(), Error> {
        self.hand_on(&Scalar::Number(value.into()))
    }
    fn visit_i64(&mut self, value: i64) -> Result<(), Error> {
        self.hand_on(&Scalar::Number(value.into()))
    }
    fn visit_f64(&mut self, value: f64) -> Result<(), Error> {
        self.hand_on(&Scalar::Number(value.into()))
    }
    fn visit_bool(&mut self, value: bool) -> Result<(), Error> {
        self.hand_on(&Scalar::Number(value.into()))
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

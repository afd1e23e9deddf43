//! Runs a command: its standard error passes through, and its last lines are the message of an error.

use std::ffi::OsString;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{ChildStderr, Command, Stdio};
use std::sync::mpsc::{self, Receiver as Channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use super::signals::Receiver;
use super::tail::Tail;

/// How long the rest of standard error is read after the command has ended: a program that it left behind may keep it open.
const MAX_REST: Duration = Duration::from_millis(500);

/// How a command ended.
#[derive(Debug)]
pub(super) enum Ending {
    /// With this exit code, and with these last lines on standard error.
    Exit(u8, String),
    /// By this signal.
    Signal(i32, String),
    /// It did not start; the exit code is that of a shell.
    NotStarted(u8, String),
}

impl Ending {
    /// Returns the exit code that a shell would report.
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::Exit(code, _) | Self::NotStarted(code, _) => *code,
            Self::Signal(signal, _) => u8::try_from(128 + signal).unwrap_or(u8::MAX),
        }
    }
}

/// Runs a command to its end.
pub(super) fn run_command(command: &[OsString], receiver: &Receiver) -> Ending {
    let Some((program, arguments)) = command.split_first() else {
        return Ending::NotStarted(127, "no command was given".to_owned());
    };
    // Signals wait until it has started.
    let mut id = receiver.hold();
    let spawned = Command::new(program)
        .args(arguments)
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => {
            let code = if error.kind() == ErrorKind::NotFound {
                127
            } else {
                126
            };
            let problem = format!("{}: {error}", program.display());
            return Ending::NotStarted(code, problem);
        }
    };
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    *id = pid;
    drop(id);
    let tail = Arc::new(Mutex::new(Tail::default()));
    let ended = child
        .stderr
        .take()
        .map(|stderr| pass_through(stderr, &tail));
    if let Some(pid) = pid {
        // Its id is not given to another process before `wait`, so no signal reaches another process.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while waitid(WaitId::Pid(pid), options).is_err_and(|error| error == Errno::INTR) {}
    }
    *receiver.hold() = None;
    let status = child.wait();
    if let Some(ended) = ended {
        // Either way, what has come by then is the message.
        let _ = ended.recv_timeout(MAX_REST);
    }
    let message = tail
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .message();
    match status {
        Ok(status) => match (status.code(), status.signal()) {
            (Some(code), _) => Ending::Exit(u8::try_from(code & 0xFF).unwrap_or(u8::MAX), message),
            (None, signal) => Ending::Signal(signal.unwrap_or_default(), message),
        },
        Err(error) => Ending::NotStarted(126, format!("{}: {error}", program.display())),
    }
}

/// Writes standard error of a command to that of this process, as it comes, and keeps its end; the channel is closed when there
/// is no more.
fn pass_through(mut stderr: ChildStderr, tail: &Arc<Mutex<Tail>>) -> Channel<()> {
    let (reading, ended) = mpsc::channel::<()>();
    let tail = Arc::clone(tail);
    thread::spawn(move || {
        let _reading = reading;
        let mut buffer = [0; 16 << 10];
        loop {
            match stderr.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => {
                    let bytes = &buffer[..length];
                    // The command must not notice that nobody reads.
                    let _ = std::io::stderr().write_all(bytes);
                    let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
                    tail.push(bytes);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
    });
    ended
}

//! Passes signals on to a command.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::SignalsInfo;
use signal_hook::iterator::exfiltrator::origin::WithOrigin;
use signal_hook::low_level::siginfo::Cause;

/// The signals that are passed on.
const PASSED_ON: [i32; 6] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2];

/// The command to which signals are passed on, while it runs.
#[derive(Debug, Clone, Default)]
pub(super) struct Receiver(Arc<Mutex<Option<Pid>>>);

impl Receiver {
    /// Returns the place of the command's id. While it is held, signals wait.
    pub(super) fn hold(&self) -> MutexGuard<'_, Option<Pid>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Passes signals on from now on, for as long as this process lives.
    ///
    /// A signal that this process was made to ignore, as `nohup` does it, stays ignored: so the command ignores it, too.
    ///
    /// # Errors
    /// Where signals can't be handled.
    pub(super) fn listen(&self) -> std::io::Result<()> {
        let ignored = ignored();
        let signals = PASSED_ON.into_iter();
        let signals = signals.filter(|signal| ignored & (1 << (signal - 1)) == 0);
        let mut signals = SignalsInfo::<WithOrigin>::new(signals)?;
        let receiver = self.clone();
        thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || {
                for origin in signals.forever() {
                    // A terminal sends Ctrl-C to all of its foreground, the command included.
                    if matches!(origin.cause, Cause::Kernel) {
                        continue;
                    }
                    let command = receiver.hold();
                    if let (Some(command), Some(signal)) =
                        (*command, Signal::from_named_raw(origin.signal))
                    {
                        // It may just have ended.
                        let _ = kill_process(command, signal);
                    }
                }
            })
            .map(drop)
    }
}

/// Returns the signals that this process ignores, a bit for each; none where that is unknown.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}

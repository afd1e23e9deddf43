//! What is told to a service manager such as systemd (`Type=notify`): only where it asked, by `NOTIFY_SOCKET`.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::thread;
use std::time::Duration;

use sd_notify::NotifyState;

/// How many states wait for a manager that does not read them; what is more is not told.
const STATES_AHEAD: usize = 4;
/// How long the end of the process waits for the last of them to be read.
const LAST_STATE: Duration = Duration::from_secs(1);

/// Whom to tell. A manager that reads nothing makes who tells it wait, so that is a thread of its own.
#[derive(Debug)]
pub(super) struct Supervisor {
    states: SyncSender<NotifyState<'static>>,
    /// Nothing ever comes; the thread lets go of it when it has told all.
    told: Receiver<()>,
}

impl Supervisor {
    /// The service manager of this process, where it has one.
    pub(super) fn find() -> Option<Self> {
        std::env::var_os("NOTIFY_SOCKET")?;
        let (states, next) = mpsc::sync_channel(STATES_AHEAD);
        let (telling, told) = mpsc::channel();
        let spawned = thread::Builder::new()
            .name("supervisor".to_owned())
            .spawn(move || {
                let _telling: mpsc::Sender<()> = telling;
                next.into_iter().for_each(tell);
            });
        if let Err(error) = spawned {
            log::warn!("the service manager can't be told: {error}");
        }
        Some(Self { states, told })
    }

    /// Tells that the server serves, from then on that it lives, where that is watched, and that it stops.
    ///
    /// Must be called within an actix runtime.
    pub(super) fn watch(&self, stop: impl Future<Output = ()> + 'static) {
        pass_on(&self.states, NotifyState::Ready);
        let states = self.states.clone();
        actix_web::rt::spawn(async move {
            stop.await;
            pass_on(&states, NotifyState::Stopping);
        });
        if let Some(patience) = sd_notify::watchdog_enabled() {
            actix_web::rt::spawn(keep_alive(self.states.clone(), patience / 2));
        }
    }

    /// Waits until all is told, but not for ever. To be called when the runtime is gone.
    pub(super) fn finish(self) {
        drop(self.states);
        if self.told.recv_timeout(LAST_STATE) == Err(RecvTimeoutError::Timeout) {
            log::warn!("the service manager does not read what it is told; see NOTIFY_SOCKET");
        }
    }
}

/// Until the server has stopped: its answers in flight may take their time.
async fn keep_alive(states: SyncSender<NotifyState<'static>>, period: Duration) {
    // A period of none would be a fault of the manager's; a timer would panic at it.
    let mut interval = actix_web::rt::time::interval(period.max(Duration::from_millis(1)));
    loop {
        interval.tick().await;
        pass_on(&states, NotifyState::Watchdog);
    }
}

/// Nobody waits for it.
fn pass_on(states: &SyncSender<NotifyState<'static>>, state: NotifyState<'static>) {
    if let Err(TrySendError::Full(state)) = states.try_send(state) {
        log::debug!("the service manager does not read; it was not told: {state}");
    }
}

fn tell(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        log::warn!("the service manager can't be told: {error}; see NOTIFY_SOCKET");
    }
}

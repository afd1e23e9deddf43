//! Notifies a service manager such as systemd of the server's states (`Type=notify`, `NOTIFY_SOCKET`).

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::thread;
use std::time::Duration;

use sd_notify::NotifyState;

/// The most states that wait for a manager that does not read them; further ones are dropped.
const MAX_PENDING: usize = 4;
/// How long the process waits, before it ends, for the last state to be sent.
const MAX_WAIT: Duration = Duration::from_secs(1);

/// The service manager of this process. A thread of its own sends the states, since it has to wait for a manager that does
/// not read them.
#[derive(Debug)]
pub(super) struct Supervisor {
    states: SyncSender<NotifyState<'static>>,
    /// Receives nothing; the thread closes the channel when it has sent all states.
    finished: Receiver<()>,
}

impl Supervisor {
    /// Connects to the service manager of this process, where it has one.
    pub(super) fn find() -> Option<Self> {
        std::env::var_os("NOTIFY_SOCKET")?;
        let (states, next) = mpsc::sync_channel(MAX_PENDING);
        let (working, finished) = mpsc::channel();
        let spawned = thread::Builder::new()
            .name("supervisor".to_owned())
            .spawn(move || {
                let _working: mpsc::Sender<()> = working;
                next.into_iter().for_each(send);
            });
        if let Err(error) = spawned {
            log::warn!("the service manager can't be notified: {error}");
        }
        Some(Self { states, finished })
    }

    /// Notifies that the server is ready, then that it is alive, where the manager has a watchdog, and that it stops.
    ///
    /// Must be called within an actix runtime.
    pub(super) fn watch(&self, stop: impl Future<Output = ()> + 'static) {
        pass_on(&self.states, NotifyState::Ready);
        let states = self.states.clone();
        actix_web::rt::spawn(async move {
            stop.await;
            pass_on(&states, NotifyState::Stopping);
        });
        if let Some(timeout) = sd_notify::watchdog_enabled() {
            actix_web::rt::spawn(keep_alive(self.states.clone(), timeout / 2));
        }
    }

    /// Waits until all states are sent, for a second at most. To be called when the runtime has ended.
    pub(super) fn finish(self) {
        drop(self.states);
        if self.finished.recv_timeout(MAX_WAIT) == Err(RecvTimeoutError::Timeout) {
            log::warn!("the service manager does not read its notifications; see NOTIFY_SOCKET");
        }
    }
}

/// Notifies the watchdog until the server has stopped, which may take a while after the signal.
async fn keep_alive(states: SyncSender<NotifyState<'static>>, period: Duration) {
    // A timer panics at a period of 0, which a wrong manager may set.
    let mut interval = actix_web::rt::time::interval(period.max(Duration::from_millis(1)));
    loop {
        interval.tick().await;
        pass_on(&states, NotifyState::Watchdog);
    }
}

/// Passes a state to the thread without waiting for it.
fn pass_on(states: &SyncSender<NotifyState<'static>>, state: NotifyState<'static>) {
    if let Err(TrySendError::Full(state)) = states.try_send(state) {
        log::debug!("the service manager does not read its notifications; dropped: {state}");
    }
}

fn send(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        log::warn!("the service manager can't be notified: {error}; see NOTIFY_SOCKET");
    }
}

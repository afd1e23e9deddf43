//! What is told to a service manager such as systemd (`Type=notify`): only where it asked, by `NOTIFY_SOCKET`.

use std::time::Duration;

use sd_notify::NotifyState;

/// Tells that the server serves, from then on that it lives, where that is watched, and at last that it stops.
///
/// Must be called within an actix runtime.
pub(super) fn serve(stop: impl Future<Output = ()> + 'static) {
    tell(NotifyState::Ready);
    actix_web::rt::spawn(async {
        stop.await;
        tell(NotifyState::Stopping);
    });
    if let Some(patience) = sd_notify::watchdog_enabled() {
        actix_web::rt::spawn(keep_alive(patience / 2));
    }
}

/// Until the server has stopped: its answers in flight may take their time.
async fn keep_alive(period: Duration) {
    // A period of none would be a fault of the manager's; a timer would panic at it.
    let mut interval = actix_web::rt::time::interval(period.max(Duration::from_millis(1)));
    loop {
        interval.tick().await;
        tell(NotifyState::Watchdog);
    }
}

fn tell(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        log::warn!("the service manager can't be told: {error}; see NOTIFY_SOCKET");
    }
}

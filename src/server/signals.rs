//! Signals that stop a server.

use std::sync::Arc;

use actix_web::dev::ServerHandle;

use crate::api::stopping::Stopping;
use crate::mock::Mock;

/// Notices signals from now on. The future that it returns stops the server: at the first signal when the requests that came
/// are answered, at a second one immediately.
pub(super) fn stop_at_signal(
    ends_at_hangup: bool,
    (server, mock, stopping): (ServerHandle, Option<Arc<Mock>>, Arc<Stopping>),
) -> impl Future<Output = ()> {
    let first = stop_signal(ends_at_hangup);
    async move {
        first.await;
        log::info!(
            "stopping: open requests are answered first, a second signal ends the server immediately"
        );
        let (stopped, finishing) = (server.clone(), Arc::clone(&stopping));
        actix_web::rt::spawn(async move {
            finishing.let_them_finish().await;
            stop(stopped, mock).await;
        });
        stop_signal(ends_at_hangup).await;
        stopping.give_up();
        server.stop(false).await;
    }
}

/// Stops a server when the requests that came are answered; requests that a mock holds are released first.
pub async fn stop(server: ServerHandle, mock: Option<Arc<Mock>>) {
    if let Some(mock) = mock {
        mock.stop();
    }
    server.stop(true).await;
}

/// Notices SIGTERM and SIGINT from now on, and SIGHUP where that ends the server too. The future that it returns waits for the
/// first of them.
///
/// Must be called within an actix runtime.
pub fn stop_signal(ends_at_hangup: bool) -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let kinds = [
        SignalKind::terminate(),
        SignalKind::interrupt(),
        SignalKind::hangup(),
    ];
    let signals = kinds.map(signal);
    async move {
        match signals {
            [Ok(mut terminate), Ok(mut interrupt), Ok(mut hangup)] => {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                    _ = hangup.recv(), if ends_at_hangup => {}
                }
            }
            results => {
                let error = results.into_iter().find_map(Result::err);
                log::error!("signals can't be waited for: {error:?}");
                std::future::pending::<()>().await;
            }
        }
    }
}

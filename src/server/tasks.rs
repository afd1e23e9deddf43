//! Background tasks: one reads the token file again, one moves the write-ahead log into the database; and what repeats others.

use std::sync::Arc;
use std::time::Duration;

use crate::store::{CancelOnDrop, Interrupt, Store, StoreError};
use crate::tokens::TokenFile;

/// How often the token file is checked for a change.
const TOKENS_INTERVAL: Duration = Duration::from_secs(1);
/// How often the write-ahead log is moved into the database.
const CHECKPOINT_INTERVAL: Duration = Duration::from_mins(1);

/// Notices SIGHUP from now on. The future that it returns reads the token file at each, and whenever the file changes.
pub(super) fn watch_tokens(tokens: Arc<TokenFile>) -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let hangup = signal(SignalKind::hangup());
    async move {
        let mut hangup = hangup
            .inspect_err(|error| log::error!("SIGHUP can't be waited for: {error}"))
            .ok();
        let mut next_hangup = async || match &mut hangup {
            Some(hangup) => hangup.recv().await,
            None => std::future::pending().await,
        };
        let mut interval = tokio::time::interval(TOKENS_INTERVAL);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let act = tokio::select! {
                _ = next_hangup() => TokenFile::reload,
                _ = interval.tick() => TokenFile::poll,
            };
            let tokens = Arc::clone(&tokens);
            if let Err(error) = tokio::task::spawn_blocking(move || act(&tokens)).await {
                log::error!("reading the tokens ended in a panic: {error}");
            }
        }
    }
}

/// Moves the write-ahead log into the database at intervals, for as long as it is awaited.
pub(super) async fn keep_checkpointing(store: Arc<Store>) {
    let mut interval = tokio::time::interval(CHECKPOINT_INTERVAL);
    interval.tick().await;
    loop {
        interval.tick().await;
        let store = Arc::clone(&store);
        match tokio::task::spawn_blocking(move || store.checkpoint()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                log::warn!("the write-ahead log can't be moved into the database: {error}");
            }
            Err(error) => log::error!("a checkpoint ended in a panic: {error}"),
        }
    }
}

/// Runs `act` on the blocking pool, now and then at each interval, for as long as it is awaited; `what` is what it does, for the log.
pub(super) async fn repeat(
    what: &'static str,
    interval: Duration,
    act: impl Fn(&Interrupt) -> Result<(), StoreError> + Send + Sync + 'static,
) {
    let act = Arc::new(act);
    let mut interval = tokio::time::interval(interval);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        let interrupt = Arc::new(Interrupt::after(Duration::MAX));
        // A server that stops does not wait until all is done.
        let _guard = CancelOnDrop(Arc::clone(&interrupt));
        let act = Arc::clone(&act);
        match tokio::task::spawn_blocking(move || act(&interrupt)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => log::warn!("{what} failed, and is tried again later: {error}"),
            Err(error) => log::error!("{what} ended in a panic: {error}"),
        }
    }
}

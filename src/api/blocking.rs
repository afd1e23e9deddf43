//! Runs slow work of a handler on the blocking pool.

use super::error::ApiError;

/// Runs `act` on the blocking pool, where only its own client waits for it.
///
/// # Errors
/// Those of `act`; [`ApiError::Internal`] where it panics.
pub(super) async fn blocking<T: Send + 'static>(
    act: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(act)
        .await
        .map_err(|_panic| ApiError::Internal("a write ended in a panic"))?
}

//! The state that handlers share, and the switches that enable routes.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::admission::{Hosts, Origin};
use super::error::ApiError;
use super::events::hub::Events;
use super::events::version::AllData;
use super::metrics::{BackupMetrics, CollectorMetrics, Metrics};
use super::path::BasePath;
use super::stopping::Stopping;
use crate::clock::Clocks;
use crate::mock::Mock;
use crate::notify::Notifier;
use crate::route::{Route, Switch};
use crate::store::{Store, StoreError};
use crate::tokens::TokenFile;

/// What the handlers share.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) store: Arc<Store>,
    pub(crate) clocks: Arc<Clocks>,
    /// Makes the server a mock; `None`: it has none of a mock's routes.
    pub(crate) mock: Option<Arc<Mock>>,
    /// Whether clients may write jobs.
    pub(crate) is_writable: bool,
    /// The longest time that a query may run.
    pub(crate) query_timeout: Duration,
    /// The path below which requests are answered, too.
    pub(crate) base_path: BasePath,
    pub(crate) hosts: Hosts,
    /// The tokens that clients need; `None`: everybody who reaches the server has access.
    pub(crate) tokens: Option<Arc<TokenFile>>,
    /// The origins whose pages have access from elsewhere.
    pub(crate) origins: Vec<Origin>,
    /// Permits for statistics: a quarter of the readers, so that a quick answer always finds a free reader.
    pub(crate) statistics: Arc<Semaphore>,
    /// Permits for lists without a limit, as many again: their clients may be slow.
    pub(crate) streams: Arc<Semaphore>,
    pub(crate) events: Arc<Events>,
    pub(crate) stopping: Arc<Stopping>,
    pub(crate) metrics: Arc<Metrics>,
    /// `None` where the server makes no backups.
    pub(crate) backups: Option<Arc<BackupMetrics>>,
    /// `None` where no collector has metrics.
    pub(crate) collectors: Option<Arc<CollectorMetrics>>,
    /// The time from which on a request counts as slow, and is logged with its query.
    pub(crate) slow_query: Duration,
    /// Sends notifications; `None`: nobody does.
    pub(crate) notifier: Option<Arc<Notifier>>,
}

impl App {
    /// Returns which routes this server has over HTTP.
    pub(crate) fn switches(&self) -> Switches {
        Switches {
            is_writable: self.is_writable,
            is_mock: self.mock.is_some(),
            has_grpc: false,
        }
    }

    /// Returns the mock.
    ///
    /// # Errors
    /// [`ApiError::Internal`] where the server is none, and so should not have the route that needs it.
    pub(super) fn mock(&self) -> Result<&Arc<Mock>, ApiError> {
        let missing = ApiError::Internal("a route of a mock where there is none");
        self.mock.as_ref().ok_or(missing)
    }

    /// Reads the version of all data now.
    pub(super) fn all_data(&self) -> Result<AllData, StoreError> {
        let changes = self.changes();
        let data = self.store.version()?;
        Ok(AllData { data, changes })
    }

    /// Returns a number that grows with each change that is not in the database, yet changes answers.
    pub(super) fn changes(&self) -> u64 {
        let of_mock = self.mock.as_ref().map_or(0, |mock| mock.version());
        self.clocks.version() + of_mock
    }
}

/// The switches of a server, which decide what routes it has.
#[derive(Debug, Clone, Copy)]
pub struct Switches {
    /// True for a mock, too.
    pub is_writable: bool,
    pub is_mock: bool,
    /// Whether the app answers gRPC, and nothing else.
    pub has_grpc: bool,
}

impl Switches {
    /// Returns whether a server with these switches has a route.
    pub(crate) fn bring(self, route: Route) -> bool {
        match route.switch() {
            Switch::Always => true,
            Switch::Writable => self.is_writable,
            Switch::Mock => self.is_mock,
            Switch::Grpc => self.has_grpc,
            Switch::WritableGrpc => self.has_grpc && self.is_writable,
        }
    }
}

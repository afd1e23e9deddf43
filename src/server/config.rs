//! The configuration of a server; `cli::serve` has the defaults.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::api::{BasePath, HostName, Origin};
use crate::clock::Clocks;
use crate::mock::Mock;
use crate::notify::RulesFile;
use crate::time::Age;
use crate::tokens::TokenFile;

/// Where gRPC listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GrpcListen {
    /// Nowhere.
    #[default]
    Off,
    /// There, or the server does not start. Port 0 takes a free one.
    At(SocketAddr),
    /// There, unless another program uses the port.
    IfFree(SocketAddr),
}

/// When backups are made, and how many there are.
#[derive(Debug, Clone)]
pub struct BackupPlan {
    pub folder: PathBuf,
    /// The time from one to the next.
    pub every: Age,
    /// How many the folder has at the most.
    pub keep: usize,
}

/// The configuration of a server.
#[derive(Debug, Clone)]
pub struct Config {
    /// Port 0 takes a free one.
    pub listen: SocketAddr,
    pub grpc_listen: GrpcListen,
    pub workers: usize,
    /// The clocks of the server and of each domain.
    pub clocks: Arc<Clocks>,
    /// The longest time that a query may run.
    pub query_timeout: Duration,
    /// The path below which requests are answered, too.
    pub base_path: BasePath,
    /// Further names under which the server may be reached.
    pub allow_hosts: Vec<HostName>,
    /// Whether clients may write jobs; those of a mock may in any case.
    pub is_writable: bool,
    /// Makes the server a mock, whose clocks are those above.
    pub mock: Option<Arc<Mock>>,
    /// The tokens that clients need; `None`: everybody who reaches the server has access.
    pub tokens: Option<Arc<TokenFile>>,
    /// The time from which on a request counts as slow, and is logged with its query.
    pub slow_query: Duration,
    /// How old jobs may become before they are deleted; `None`: no job is deleted.
    pub retain: Option<Age>,
    /// The rules by which it sends notifications; `None`: it sends none.
    pub notify: Option<Arc<RulesFile>>,
    /// How many collectors have metrics of their own at the most; `None`: none has.
    pub collector_metrics: Option<usize>,
    /// `None`: no backups are made.
    pub backups: Option<BackupPlan>,
    /// How long nobody may report on a job in progress before it is ended; `None`: no job is ended.
    pub stuck_after: Option<Age>,
    /// The origins whose pages have access; without any no answer has a CORS header.
    pub cors: Vec<Origin>,
}

impl Config {
    /// Returns how many reading connections the server has: enough that long streams leave some free.
    #[must_use]
    pub fn readers(&self) -> u32 {
        u32::try_from(self.workers * 4)
            .unwrap_or(u32::MAX)
            .clamp(8, 64)
    }
}

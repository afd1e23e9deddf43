//! `demo` and `serve`: their arguments, with the defaults of a server, and the run of the server until a signal.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use jobdeck::api::{BasePath, HostName, Origin};
use jobdeck::clock::{Clock, Clocks};
use jobdeck::mock::{Fault, Mock, MockConfig, MockError};
use jobdeck::notify::RulesFile;
use jobdeck::query::QueryError;
use jobdeck::server::{self, BackupPlan, Config, GrpcListen, GrpcServer, Running};
use jobdeck::store::{Mode, ScratchFolder, Store};
use jobdeck::time::{Age, Timestamp};
use jobdeck::tokens::TokenFile;

use super::args::{DEFAULT_LISTEN, List, parse_address, parse_seconds};
use super::backup::parse_keep;
use super::failure::Failure;
use super::log::{self, Log};
use super::opening::open;
use super::ready_file::{self, ReadyFile};
use super::supervisor::Supervisor;

/// The file descriptors that a server asks the system for; it gets at most what the system allows.
const MAX_DESCRIPTORS: u64 = 65_536;

/// How many backups `--backup-dir` has by default.
const DEFAULT_BACKUPS: usize = 7;

#[derive(Debug, Args)]
#[command(next_help_heading = "Listening")]
struct ListenArgs {
    /// The address to listen at; port 0 chooses a free port
    #[arg(
        long,
        value_name = "ADDR",
        env = "JOBDECK_LISTEN",
        default_value = DEFAULT_LISTEN,
        value_parser = parse_address
    )]
    listen: SocketAddr,
    /// The address to listen at for gRPC, as SpaceONE's own clients need it; port 0 chooses a free port, and `off` is none
    /// [default: off; with --mock, and in a demo, 127.0.0.1:50051 where that port is free]
    #[arg(long, value_name = "ADDR", env = "JOBDECK_GRPC_LISTEN", value_parser = parse_grpc_address)]
    grpc_listen: Option<GrpcListen>,
    /// The number of HTTP workers [default: the number of cores]
    #[arg(long, value_name = "N", env = "JOBDECK_WORKERS", value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: Option<u16>,
    /// The time after which a query is interrupted
    #[arg(long, value_name = "SECONDS", env = "JOBDECK_QUERY_TIMEOUT", default_value = "10", value_parser = parse_seconds)]
    query_timeout: Duration,
    /// The duration from which a request is logged as slow, with its query
    #[arg(long, value_name = "MILLISECONDS", env = "JOBDECK_SLOW_QUERY", default_value = "1000", value_parser = parse_milliseconds)]
    slow_query: Duration,
    /// The format of the log: text for people, or a JSON object a line
    #[arg(
        long,
        value_name = "FORMAT",
        env = "JOBDECK_LOG_FORMAT",
        default_value = "text"
    )]
    log_format: log::Format,
    /// Another name under which clients may reach the server, `*.jobs.example` for all names below one, or `*` for any; may be
    /// given several times, or be a list
    #[arg(long = "allow-host", value_name = "NAME", env = "JOBDECK_ALLOW_HOST", value_parser = parse_host_names)]
    allow_hosts: Vec<List<HostName>>,
    /// The path below which a proxy has the server, such as /tools/jobs; needed only where the proxy leaves the path in the
    /// requests that it passes on
    #[arg(
        long,
        value_name = "PATH",
        env = "JOBDECK_BASE_PATH",
        default_value = "/",
        value_parser = BasePath::parse
    )]
    base_path: BasePath,
    /// An origin (scheme, host, port) whose pages may read and change jobs through this server, also with credentials; `*` for
    /// any, without credentials; or `none`. May be given several times, or be a list [default: with --mock, and in a demo, the
    /// origins of this machine]
    #[arg(long, value_name = "ORIGIN", env = "JOBDECK_CORS", value_parser = parse_origins)]
    cors: Vec<List<CorsOrigin>>,
    /// A file to write when the server is ready, `{"url", "grpc", "pid"}` in one line, and to remove when it ends
    #[arg(long, value_name = "PATH", env = "JOBDECK_READY_FILE")]
    ready_file: Option<PathBuf>,
    /// Listen at an address that other machines can reach, although anybody there can read every job without a token
    #[arg(long, env = "JOBDECK_INSECURE", value_parser = clap::builder::BoolishValueParser::new())]
    insecure: bool,
}

#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// The seed of the made-up jobs; the same one gives the same jobs
    #[arg(long, value_name = "N", env = "JOBDECK_SEED", default_value = "1")]
    seed: u64,
    /// How many times as fast as life the clock runs, from 1 to 3600: at 60, an hour passes in a minute
    #[arg(long, value_name = "N", env = "JOBDECK_SPEED", default_value = "1", value_parser = clap::value_parser!(u16).range(1..=3_600))]
    speed: u16,
    /// Open the page in the browser when the server is ready
    #[arg(long, env = "JOBDECK_OPEN", value_parser = clap::builder::BoolishValueParser::new())]
    open: bool,
    #[command(flatten)]
    listen: ListenArgs,
}

#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option without a value"
)]
pub(super) struct ServeArgs {
    /// The database file [default: jobdeck.db; with --mock a temporary one]
    #[arg(long, value_name = "FILE", env = "JOBDECK_DB")]
    db: Option<PathBuf>,
    /// Create the database where there is none
    #[arg(long, env = "JOBDECK_CREATE", value_parser = clap::builder::BoolishValueParser::new())]
    create: bool,
    /// Serve a database that another program keeps up to date, such as `litestream restore -f`, or that is on read-only media:
    /// never write to it, and let that program have it in turns
    #[arg(
        long,
        env = "JOBDECK_REPLICA",
        value_parser = clap::builder::BoolishValueParser::new(),
        conflicts_with_all = ["create", "writable", "retain", "stuck_after", "notify", "mock"]
    )]
    replica: bool,
    /// Let clients write jobs: adds the routes that put, change, delete and add them
    #[arg(long, env = "JOBDECK_WRITABLE", value_parser = clap::builder::BoolishValueParser::new())]
    writable: bool,
    /// How long to keep jobs: 12h, 90d, 2w, 1y (365 days). Jobs that were created longer ago (`created_at`) are deleted at the
    /// start and then every hour
    #[arg(long, value_name = "AGE", env = "JOBDECK_RETAIN", value_parser = Age::parse)]
    retain: Option<Age>,
    /// How long nobody may report on a job in progress: 12h, 2d, 1w. A job whose `updated_at` is longer ago is ended as TIMEOUT, at
    /// the start and then every minute [default: no job is ended]
    #[arg(long, value_name = "AGE", env = "JOBDECK_STUCK_AFTER", value_parser = Age::parse)]
    stuck_after: Option<Age>,
    /// Have /metrics show the last runs, failures, running and stuck jobs and durations of each collector, of the N with the most
    /// jobs: 19 series each; 500 are a good limit [default: of no collector]
    #[arg(long, value_name = "N", env = "JOBDECK_COLLECTOR_METRICS", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    collector_metrics: Option<u16>,
    /// The folder for backups of the database, which are checked: NAME-2026-01-31T02-00-00Z.db, the time in UTC [default: no backups
    /// are made]
    #[arg(
        help_heading = "Backups",
        long,
        value_name = "DIR",
        env = "JOBDECK_BACKUP_DIR"
    )]
    backup_dir: Option<PathBuf>,
    /// How often a backup is made: 12h, 1d, 1w. The next one is due that long after the newest in the folder [default: 1d]
    #[arg(help_heading = "Backups", long, value_name = "AGE", env = "JOBDECK_BACKUP_EVERY", requires = "backup_dir", value_parser = Age::parse)]
    backup_every: Option<Age>,
    /// How many backups of the database the folder has at the most; the oldest are deleted after a new one is checked [default: 7]
    #[arg(help_heading = "Backups", long, value_name = "N", env = "JOBDECK_BACKUP_KEEP", requires = "backup_dir", value_parser = parse_keep)]
    backup_keep: Option<usize>,
    /// Require a token. This TOML file has the SHA-256 of each, its domain, and whether it may write; `jobdeck token new`
    /// makes one. The file is read again when it changes, and at SIGHUP, which then does not end the server
    #[arg(long, value_name = "FILE", env = "JOBDECK_TOKENS")]
    tokens: Option<PathBuf>,
    /// Send notifications of jobs that fail or are stuck, and of collectors that recover or are missing, by the rules of this TOML
    /// file. It is read again when it changes; `jobdeck notify test` tries a rule
    #[arg(long, value_name = "FILE", env = "JOBDECK_NOTIFY")]
    notify: Option<PathBuf>,
    /// Freeze the time that the timediff operators take for now (RFC 3339) [default: the clock]
    #[arg(long, value_name = "INSTANT", env = "JOBDECK_NOW", value_parser = Timestamp::parse_rfc3339)]
    now: Option<Timestamp>,
    #[command(flatten)]
    listen: ListenArgs,
    /// Be a mock for test suites: --writable, and routes that reset, save and restore the jobs, set clocks, inject faults, and
    /// list the requests of clients
    #[arg(help_heading = "A mock", long, env = "JOBDECK_MOCK", value_parser = clap::builder::BoolishValueParser::new())]
    mock: bool,
    /// Files of jobs, or folders with such files, that a mock loads at the start and when they change; may be given several
    /// times
    #[arg(help_heading = "A mock", long, value_name = "PATH", env = "JOBDECK_FIXTURES", num_args = 1.., value_delimiter = ',')]
    fixtures: Vec<PathBuf>,
    /// A fault that a mock injects from the start, such as `route=search,code=503,times=2` or `delay=0.5-2,seed=7`; may be
    /// given several times, or be several faults, one a line or separated by `;`
    #[arg(help_heading = "A mock", long = "fault", value_name = "FAULT", env = "JOBDECK_FAULT", value_parser = parse_faults)]
    faults: Vec<FaultList>,
}

/// An origin of `--cors`, or `none`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum CorsOrigin {
    None,
    Origin(Origin),
}

fn parse_origins(text: &str) -> Result<List<CorsOrigin>, String> {
    List::parse(text, |text| match text {
        "none" => Ok(CorsOrigin::None),
        _ => Origin::parse(text).map(CorsOrigin::Origin),
    })
}

fn parse_host_names(text: &str) -> Result<List<HostName>, String> {
    List::parse(text, HostName::parse)
}

/// The address where a mock listens for gRPC by default: the port of SpaceONE's services.
const DEFAULT_GRPC: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 50_051);

fn parse_grpc_address(text: &str) -> Result<GrpcListen, String> {
    match text {
        "off" => Ok(GrpcListen::Off),
        _ => parse_address(text).map(GrpcListen::At),
    }
}

/// The faults of one option.
#[derive(Debug, Clone)]
struct FaultList(Vec<Fault>);

/// Parses several faults, since an environment variable can't be given several times.
fn parse_faults(text: &str) -> Result<FaultList, QueryError> {
    let parts = text.split([';', '\n']).map(str::trim);
    let mut parts: Vec<_> = parts.filter(|part| !part.is_empty()).collect();
    if parts.is_empty() {
        // An empty fault, which is refused with the reason.
        parts.push("");
    }
    let faults: Result<_, _> = parts.into_iter().map(Fault::from_option).collect();
    faults.map(FaultList)
}

fn parse_milliseconds(text: &str) -> Result<Duration, String> {
    const MAX_MILLISECONDS: u64 = 86_400_000;
    match text.parse() {
        Ok(millis) if millis <= MAX_MILLISECONDS => Ok(Duration::from_millis(millis)),
        _ => Err(format!(
            "expected a number of milliseconds from 0 to {MAX_MILLISECONDS}"
        )),
    }
}

/// What happens when the server is ready.
struct OnReady {
    /// Is written, and removed when this is dropped.
    ready_file: Option<ReadyFile>,
    opens_browser: bool,
}

impl OnReady {
    fn write_file(&mut self, address: SocketAddr, grpc: Option<SocketAddr>) -> Result<(), Failure> {
        match &mut self.ready_file {
            Some(file) => file.publish(address, grpc),
            None => Ok(()),
        }
    }

    fn open_browser(&self, address: SocketAddr) {
        if self.opens_browser {
            let url = ready_file::url(address);
            // The command that opens a browser may run until that ends.
            std::thread::spawn(move || {
                if let Err(error) = open::that(&url) {
                    ::log::warn!("the browser can't be opened, so open {url} yourself: {error}");
                }
            });
        }
    }
}

impl DemoArgs {
    pub(super) fn check(&self) -> Result<(), &'static str> {
        self.listen.check()
    }

    pub(super) fn log(&self) -> Log {
        Log::start(self.listen.log_format, log::QUIET)
    }
}

impl ServeArgs {
    pub(super) fn check(&self) -> Result<(), &'static str> {
        self.listen.check()
    }

    fn mode(&self) -> Mode {
        let writes = self.writable
            || self.mock
            || self.retain.is_some()
            || self.stuck_after.is_some()
            || self.notify.is_some();
        match self {
            Self { replica: true, .. } => Mode::Replica,
            _ if !writes => Mode::Follow { makes: self.create },
            Self { create: true, .. } => Mode::Create,
            _ => Mode::ReadWrite,
        }
    }

    /// A mock logs no line a request: its journal has them, and its tests read standard error.
    pub(super) fn log(&self) -> Log {
        let filter = if self.mock {
            log::QUIET
        } else {
            log::WITH_REQUESTS
        };
        Log::start(self.listen.log_format, filter)
    }
}

impl ServeArgs {
    fn backups(&self) -> Option<BackupPlan> {
        let folder = self.backup_dir.clone()?;
        Some(BackupPlan {
            folder,
            every: self.backup_every.unwrap_or(Age::DAY),
            keep: self.backup_keep.unwrap_or(DEFAULT_BACKUPS),
        })
    }
}

impl ListenArgs {
    /// Claims the ready file, before anything else, so that nobody takes the file of an earlier server for this one's.
    fn claim_ready_file(&self) -> Result<Option<ReadyFile>, Failure> {
        self.ready_file.as_deref().map(ReadyFile::claim).transpose()
    }

    /// Checks the options that exclude each other.
    fn check(&self) -> Result<(), &'static str> {
        let mut origins = self.cors.iter().flat_map(|list| &list.0);
        if origins.clone().count() > 1 && origins.any(|origin| *origin == CorsOrigin::None) {
            return Err(
                "`--cors none` lets no origin in, and another one is given as well; leave out one of the two",
            );
        }
        Ok(())
    }

    /// Returns the origins whose pages have access. Those of this machine always have access to a mock, as they have to other
    /// mocks, unless `none` has.
    fn origins(&self, is_mock: bool) -> Vec<Origin> {
        let given = self.cors.iter().flat_map(|list| &list.0);
        let mut is_closed = false;
        let mut origins: Vec<_> = given
            .filter_map(|origin| match origin {
                CorsOrigin::Origin(origin) => Some(origin.clone()),
                CorsOrigin::None => {
                    is_closed = true;
                    None
                }
            })
            .collect();
        if is_mock && !is_closed {
            origins.push(Origin::Loopback);
        }
        origins
    }

    fn config(
        &self,
        is_mock: bool,
        clock: Clock,
        tokens: Option<Arc<TokenFile>>,
    ) -> Result<Config, Failure> {
        let grpc_listen = match self.grpc_listen {
            Some(given) => given,
            None if is_mock => GrpcListen::IfFree(DEFAULT_GRPC),
            None => GrpcListen::Off,
        };
        let mut addresses = vec![self.listen];
        if let GrpcListen::At(address) = grpc_listen {
            addresses.push(address);
        }
        let exposed = addresses
            .into_iter()
            .find(|address| !address.ip().is_loopback());
        if let Some(address) = exposed
            && !self.insecure
            && tokens.is_none()
        {
            return Err(Failure::Exposed(address));
        }
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Config {
            listen: self.listen,
            grpc_listen,
            workers: self.workers.map_or(cores, usize::from),
            clocks: Arc::new(Clocks::new(clock)),
            query_timeout: self.query_timeout,
            slow_query: self.slow_query,
            base_path: self.base_path.clone(),
            allow_hosts: self
                .allow_hosts
                .iter()
                .flat_map(|list| list.0.iter().cloned())
                .collect(),
            is_writable: false,
            mock: None,
            tokens,
            retain: None,
            notify: None,
            stuck_after: None,
            backups: None,
            collector_metrics: None,
            cors: self.origins(is_mock),
        })
    }
}

pub(super) fn demo(args: &DemoArgs) -> Result<(), Failure> {
    let on_ready = OnReady {
        ready_file: args.listen.claim_ready_file()?,
        opens_browser: args.open,
    };
    let clock = Clock::running_at(Clock::SYSTEM.now(), args.speed);
    let config = args.listen.config(true, clock, None)?;
    let mock_config = MockConfig {
        demo: Some(args.seed),
        ..MockConfig::default()
    };
    serve_scratch(config, mock_config, on_ready)
}

pub(super) fn serve(args: &ServeArgs) -> Result<(), Failure> {
    let on_ready = OnReady {
        ready_file: args.listen.claim_ready_file()?,
        opens_browser: false,
    };
    let tokens = args.tokens.as_deref().map(TokenFile::open).transpose()?;
    let clock = args.now.map_or(Clock::SYSTEM, Clock::Frozen);
    let mut config = args.listen.config(args.mock, clock, tokens.map(Arc::new))?;
    config.is_writable = args.writable;
    for (option, is_given) in [
        ("--fixtures", !args.fixtures.is_empty()),
        ("--fault", !args.faults.is_empty()),
    ] {
        if is_given && !args.mock {
            return Err(Failure::NeedsMock(option));
        }
    }
    for (option, is_given) in [
        ("--retain", args.retain.is_some()),
        ("--notify", args.notify.is_some()),
        ("--stuck-after", args.stuck_after.is_some()),
        ("--backup-dir", args.backup_dir.is_some()),
    ] {
        if is_given && args.mock {
            return Err(Failure::NotForMock(option));
        }
    }
    config.retain = args.retain;
    let rules = args.notify.as_deref().map(RulesFile::open).transpose()?;
    config.notify = rules.map(Arc::new);
    config.stuck_after = args.stuck_after;
    config.backups = args.backups();
    config.collector_metrics = args.collector_metrics.map(usize::from);
    let mock_config = MockConfig {
        demo: None,
        fixtures: args.fixtures.clone(),
        faults: args
            .faults
            .iter()
            .flat_map(|list| list.0.iter().cloned())
            .collect(),
    };
    let database = match &args.db {
        None if args.mock => return serve_scratch(config, mock_config, on_ready),
        None => Path::new("jobdeck.db"),
        Some(database) => database,
    };
    let store = Arc::new(open(database, args.mode(), config.readers())?);
    for (option, is_given) in [
        ("--mock", args.mock),
        ("--writable", args.writable),
        ("--retain", args.retain.is_some()),
        ("--notify", args.notify.is_some()),
        ("--stuck-after", args.stuck_after.is_some()),
    ] {
        if is_given && !store.is_writable() {
            return Err(Failure::NotWritable(database.to_owned(), option));
        }
    }
    if args.mock {
        config.mock = Some(mock(&config, &store, mock_config)?);
    }
    run_server(config, &store, on_ready)
}

/// Serves a mock over a temporary database.
fn serve_scratch(
    mut config: Config,
    mock_config: MockConfig,
    on_ready: OnReady,
) -> Result<(), Failure> {
    // The folder is removed when it is dropped, after the server has stopped.
    let path = std::env::temp_dir();
    let folder = ScratchFolder::make(&path).map_err(|source| Failure::Io { path, source })?;
    let path = folder.path().join("scratch.db");
    let store = Arc::new(Store::open(&path, Mode::Scratch, config.readers())?);
    config.mock = Some(mock(&config, &store, mock_config)?);
    run_server(config, &store, on_ready)
}

fn mock(
    config: &Config,
    store: &Arc<Store>,
    mock_config: MockConfig,
) -> Result<Arc<Mock>, Failure> {
    let mock = Mock::start(Arc::clone(store), Arc::clone(&config.clocks), mock_config);
    let mock = mock.map_err(|error| match error {
        MockError::Fixtures(error) => Failure::Transfer(error),
        MockError::Store(source) => Failure::Store {
            path: store.path().to_owned(),
            source,
        },
        other => Failure::Problems(other.to_string()),
    })?;
    Ok(Arc::new(mock))
}

/// Serves until a signal.
fn run_server(config: Config, store: &Arc<Store>, mut on_ready: OnReady) -> Result<(), Failure> {
    // A connection takes a descriptor, in a mock two, and many systems allow 1,024 unless a process asks for more.
    if let Err(error) = rlimit::increase_nofile_limit(MAX_DESCRIPTORS) {
        ::log::warn!("the limit of file descriptors can't be raised: {error}");
    }
    let supervisor = Supervisor::find();
    actix_web::rt::System::new().block_on(async {
        let Running {
            server: running,
            address,
            grpc,
        } = server::start(&config, Arc::clone(store))?;
        let grpc_address = grpc.as_ref().map(GrpcServer::address);
        on_ready.write_file(address, grpc_address)?;
        tell_of_grpc(config.grpc_listen, grpc_address);
        // Scripts read this line, and then the file.
        writeln!(std::io::stdout(), "jobdeck listening on http://{address}").map_err(|source| {
            Failure::Io {
                path: "standard output".into(),
                source,
            }
        })?;
        on_ready.open_browser(address);
        if let Some(supervisor) = &supervisor {
            supervisor.watch(server::stop_signal(config.tokens.is_none()));
        }
        running.await.map_err(Failure::Server)?;
        if let Some(grpc) = grpc {
            grpc.ended().await;
        }
        Ok::<_, Failure>(())
    })?;
    if let Some(supervisor) = supervisor {
        supervisor.finish();
    }
    // The configuration has the mock, which uses the store.
    drop(config);
    wait_for_workers(store);
    Ok(())
}

/// Says on standard error where gRPC listens, or why it does not where nobody has turned it off.
fn tell_of_grpc(wanted: GrpcListen, address: Option<SocketAddr>) {
    let line = match (wanted, address) {
        (_, Some(address)) => format!("jobdeck: gRPC listens at {address}"),
        (GrpcListen::IfFree(wanted), None) => format!(
            "jobdeck: no gRPC, since another program uses {wanted}; `--grpc-listen 127.0.0.1:0` takes a free port"
        ),
        (GrpcListen::Off | GrpcListen::At(_), None) => return,
    };
    // A server whose standard error is closed serves all the same.
    drop(writeln!(std::io::stderr(), "{line}"));
}

/// Waits for the threads of the server, which end shortly after it. The last one that closes the database moves the
/// write-ahead log into it, so the process must not end before.
fn wait_for_workers(store: &Arc<Store>) {
    const MAX_WAIT: Duration = Duration::from_secs(1);
    let start = Instant::now();
    while Arc::strong_count(store) > 1 && start.elapsed() < MAX_WAIT {
        std::thread::sleep(Duration::from_millis(1));
    }
}

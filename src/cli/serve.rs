//! `demo` and `serve`: from arguments to a server that runs until a signal.

use std::io::Write;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use jobdeck::api::Origin;
use jobdeck::clock::{Clock, Clocks};
use jobdeck::mock::{Fault, Mock, MockConfig, MockError};
use jobdeck::query::QueryError;
use jobdeck::server::{self, Config};
use jobdeck::store::{Mode, Store};
use jobdeck::time::{Age, Timestamp};
use jobdeck::tokens::TokenFile;

use super::Failure;
use super::aside::Aside;
use super::log::{self, Log};
use super::ready::ReadyFile;
use super::supervisor::Supervisor;

pub(super) const DEFAULT_LISTEN: &str = "127.0.0.1:8080";

/// How many descriptors a server asks for; it gets what the system allows.
const MAX_DESCRIPTORS: u64 = 65_536;

#[derive(Debug, Args)]
#[command(next_help_heading = "Listening")]
struct ListenArgs {
    /// Where to listen; port 0 takes a free one
    #[arg(
        long,
        value_name = "ADDR",
        env = "JOBDECK_LISTEN",
        default_value = DEFAULT_LISTEN,
        value_parser = address
    )]
    listen: SocketAddr,
    /// HTTP workers [default: the number of cores]
    #[arg(long, value_name = "N", env = "JOBDECK_WORKERS", value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: Option<u16>,
    /// No query runs longer
    #[arg(long, value_name = "SECONDS", env = "JOBDECK_QUERY_TIMEOUT", default_value = "10", value_parser = seconds)]
    query_timeout: Duration,
    /// From how many milliseconds on a request is logged as slow, and with its query
    #[arg(long, value_name = "MILLISECONDS", env = "JOBDECK_SLOW_QUERY", default_value = "1000", value_parser = milliseconds)]
    slow_query: Duration,
    /// How the log is written: for people, or a JSON object a line
    #[arg(
        long,
        value_name = "FORMAT",
        env = "JOBDECK_LOG_FORMAT",
        default_value = "text"
    )]
    log_format: log::Format,
    /// A further name under which the server may be reached; may be given several times
    #[arg(
        long = "allow-host",
        value_name = "NAME",
        env = "JOBDECK_ALLOW_HOST",
        value_delimiter = ','
    )]
    allow_hosts: Vec<String>,
    /// An origin (scheme, host, port) whose pages may ask and change from elsewhere, or `*` for any; may be given several
    /// times
    #[arg(
        long,
        value_name = "ORIGIN",
        env = "JOBDECK_CORS",
        value_delimiter = ',',
        value_parser = Origin::parse
    )]
    cors: Vec<Origin>,
    /// A file that is written once the server serves, `{"url", "pid"}` in one line, and removed when it ends
    #[arg(long, value_name = "PATH", env = "JOBDECK_READY_FILE")]
    ready_file: Option<PathBuf>,
    /// Listen on an address that other machines can reach, though without tokens anybody there may then read every job
    #[arg(long, env = "JOBDECK_INSECURE", value_parser = clap::builder::BoolishValueParser::new())]
    insecure: bool,
}

#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// Which made-up jobs; the same seed makes the same jobs
    #[arg(long, value_name = "N", env = "JOBDECK_SEED", default_value = "1")]
    seed: u64,
    #[command(flatten)]
    listen: ListenArgs,
}

#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// The database file [default: jobdeck.db; with --mock one that is thrown away]
    #[arg(long, value_name = "FILE", env = "JOBDECK_DB")]
    db: Option<PathBuf>,
    /// Make the database where there is none
    #[arg(long, env = "JOBDECK_CREATE", value_parser = clap::builder::BoolishValueParser::new())]
    create: bool,
    /// Let clients write jobs: the routes that put, change, delete and add them
    #[arg(long, env = "JOBDECK_WRITABLE", value_parser = clap::builder::BoolishValueParser::new())]
    writable: bool,
    /// Keep jobs so long: those that were created longer ago (`created_at`) are deleted at the start and then every hour:
    /// 12h, 90d, 2w, 1y (365 days)
    #[arg(long, value_name = "AGE", env = "JOBDECK_RETAIN", value_parser = Age::parse)]
    retain: Option<Age>,
    /// Ask for a token, of which this TOML file has the SHA-256, the domain and whether it may write; `jobdeck token new`
    /// makes one. The file is read again when it changes, and at SIGHUP, which then does not end the server
    #[arg(long, value_name = "FILE", env = "JOBDECK_TOKENS")]
    tokens: Option<PathBuf>,
    /// Freeze "now", as the timediff operators see it (RFC 3339) [default: the clock]
    #[arg(long, value_name = "INSTANT", env = "JOBDECK_NOW", value_parser = Timestamp::parse_rfc3339)]
    now: Option<Timestamp>,
    #[command(flatten)]
    listen: ListenArgs,
    /// Be a mock for test suites: --writable, and the routes that reset, save and restore the jobs, set clocks, misbehave
    /// on request, and tell what was asked
    #[arg(help_heading = "A mock", long, env = "JOBDECK_MOCK", value_parser = clap::builder::BoolishValueParser::new())]
    mock: bool,
    /// Files of jobs, or folders of them, that a mock starts with and watches; may be given several times
    #[arg(help_heading = "A mock", long, value_name = "PATH", env = "JOBDECK_FIXTURES", num_args = 1.., value_delimiter = ',')]
    fixtures: Vec<PathBuf>,
    /// Have a mock misbehave from the start, such as `route=search,code=503,times=2` or `delay=0.5-2,seed=7`; may be given
    /// several times, or hold several faults, one a line or with `;` between them
    #[arg(help_heading = "A mock", long = "fault", value_name = "FAULT", env = "JOBDECK_FAULT", value_parser = some_faults)]
    faults: Vec<SomeFaults>,
}

/// The faults of one option.
#[derive(Debug, Clone)]
struct SomeFaults(Vec<Fault>);

/// Several faults, since a variable of the environment can't be given several times.
fn some_faults(text: &str) -> Result<SomeFaults, QueryError> {
    let parts = text.split([';', '\n']).map(str::trim);
    let mut parts: Vec<_> = parts.filter(|part| !part.is_empty()).collect();
    if parts.is_empty() {
        // Refused as what it is.
        parts.push("");
    }
    let faults: Result<_, _> = parts.into_iter().map(Fault::from_option).collect();
    faults.map(SomeFaults)
}

/// An address and a port, or a name and a port.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    let addresses = text.to_socket_addrs().map_err(|error| {
        format!("expected an address and a port such as 127.0.0.1:8080 or localhost:0 ({error})")
    })?;
    // Of a name's addresses the IPv4 one, which a browser tries, too.
    let mut addresses: Vec<_> = addresses.collect();
    addresses.sort_by_key(SocketAddr::is_ipv6);
    addresses
        .first()
        .copied()
        .ok_or_else(|| "the name has no address".to_owned())
}

pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text
        .parse()
        .map_err(|_invalid| "expected a number of seconds".to_owned())?;
    if seconds > 0.0 && seconds <= 86_400.0 {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err("expected more than 0 and at most 86400 seconds".to_owned())
    }
}

fn milliseconds(text: &str) -> Result<Duration, String> {
    const MOST: u64 = 86_400_000;
    match text.parse() {
        Ok(millis) if millis <= MOST => Ok(Duration::from_millis(millis)),
        _ => Err(format!(
            "expected a number of milliseconds from 0 to {MOST}"
        )),
    }
}

impl DemoArgs {
    pub(super) fn log(&self) -> Log {
        Log::start(self.listen.log_format, log::QUIET)
    }
}

impl ServeArgs {
    /// What a mock is asked stands in its journal, and its tests read its standard error.
    pub(super) fn log(&self) -> Log {
        let filter = if self.mock { log::QUIET } else { log::USUAL };
        Log::start(self.listen.log_format, filter)
    }
}

impl ListenArgs {
    /// The first thing that is done, so that nobody takes an earlier server's file for ours.
    fn claim_ready_file(&self) -> Result<Option<ReadyFile>, Failure> {
        self.ready_file.as_deref().map(ReadyFile::claim).transpose()
    }

    fn config(&self, clock: Clock, tokens: Option<Arc<TokenFile>>) -> Result<Config, Failure> {
        if !self.listen.ip().is_loopback() && !self.insecure && tokens.is_none() {
            return Err(Failure::Exposed(self.listen));
        }
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Config {
            listen: self.listen,
            workers: self.workers.map_or(cores, usize::from),
            clocks: Arc::new(Clocks::new(clock)),
            query_timeout: self.query_timeout,
            slow_query: self.slow_query,
            allow_hosts: self.allow_hosts.clone(),
            is_writable: false,
            mock: None,
            tokens,
            retain: None,
            cors: self.cors.clone(),
        })
    }
}

pub(super) fn demo(args: &DemoArgs) -> Result<(), Failure> {
    let ready_file = args.listen.claim_ready_file()?;
    let config = args.listen.config(Clock::SYSTEM, None)?;
    let start = MockConfig {
        demo: Some(args.seed),
        ..MockConfig::default()
    };
    serve_scratch(config, start, ready_file)
}

pub(super) fn serve(args: &ServeArgs) -> Result<(), Failure> {
    let ready_file = args.listen.claim_ready_file()?;
    let tokens = args.tokens.as_deref().map(TokenFile::open).transpose()?;
    let clock = args.now.map_or(Clock::SYSTEM, Clock::Frozen);
    let mut config = args.listen.config(clock, tokens.map(Arc::new))?;
    config.is_writable = args.writable;
    for (option, is_given) in [
        ("--fixtures", !args.fixtures.is_empty()),
        ("--fault", !args.faults.is_empty()),
    ] {
        if is_given && !args.mock {
            return Err(Failure::NeedsMock(option));
        }
    }
    if args.retain.is_some() && args.mock {
        return Err(Failure::NotForMock("--retain"));
    }
    config.retain = args.retain;
    let start = MockConfig {
        demo: None,
        fixtures: args.fixtures.clone(),
        faults: args
            .faults
            .iter()
            .flat_map(|some| some.0.iter().cloned())
            .collect(),
    };
    let database = match &args.db {
        None if args.mock => return serve_scratch(config, start, ready_file),
        None => Path::new("jobdeck.db"),
        Some(database) => database,
    };
    let mode = if args.create {
        Mode::Create
    } else {
        Mode::ReadWrite
    };
    let store = Arc::new(Store::open(database, mode, config.readers())?);
    for (option, is_given) in [
        ("--mock", args.mock),
        ("--writable", args.writable),
        ("--retain", args.retain.is_some()),
    ] {
        if is_given && !store.is_writable() {
            return Err(Failure::NotWritable(database.to_owned(), option));
        }
    }
    if args.mock {
        config.mock = Some(mock(&config, &store, start)?);
    }
    run_server(config, &store, ready_file)
}

/// Serves a mock over a database that is thrown away in the end.
fn serve_scratch(
    mut config: Config,
    start: MockConfig,
    ready_file: Option<ReadyFile>,
) -> Result<(), Failure> {
    // Removed when it is dropped, after the server has stopped.
    let path = std::env::temp_dir();
    let folder = Aside::make(&path).map_err(|source| Failure::Io { path, source })?;
    let path = folder.path().join("scratch.db");
    let store = Arc::new(Store::open(&path, Mode::Scratch, config.readers())?);
    config.mock = Some(mock(&config, &store, start)?);
    run_server(config, &store, ready_file)
}

fn mock(config: &Config, store: &Arc<Store>, start: MockConfig) -> Result<Arc<Mock>, Failure> {
    let mock = Mock::start(Arc::clone(store), Arc::clone(&config.clocks), start);
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
fn run_server(
    config: Config,
    store: &Arc<Store>,
    mut ready_file: Option<ReadyFile>,
) -> Result<(), Failure> {
    // A connection is a descriptor, in a mock two, and many systems allow 1,024 unless one asks.
    if let Err(error) = rlimit::increase_nofile_limit(MAX_DESCRIPTORS) {
        ::log::warn!("no more descriptors can be had than there are: {error}");
    }
    let supervisor = Supervisor::find();
    actix_web::rt::System::new().block_on(async {
        let (running, address) = server::start(&config, Arc::clone(store))?;
        // The one line that scripts read.
        writeln!(std::io::stdout(), "jobdeck listening on http://{address}").map_err(|source| {
            Failure::Io {
                path: "standard output".into(),
                source,
            }
        })?;
        if let Some(file) = &mut ready_file {
            file.publish(address)?;
        }
        if let Some(supervisor) = &supervisor {
            supervisor.watch(server::stop_signal(config.tokens.is_none()));
        }
        running.await.map_err(Failure::Server)
    })?;
    if let Some(supervisor) = supervisor {
        supervisor.finish();
    }
    // A mock holds the store, too.
    drop(config);
    wait_for_workers(store);
    Ok(())
}

/// The server's threads end a moment after it, and the process must not end before them: who lets go of the database last
/// moves its write-ahead log into it.
fn wait_for_workers(store: &Arc<Store>) {
    const MOST: Duration = Duration::from_secs(1);
    let start = Instant::now();
    while Arc::strong_count(store) > 1 && start.elapsed() < MOST {
        std::thread::sleep(Duration::from_millis(1));
    }
}

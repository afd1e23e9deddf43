//! The command line: what can be said, and what each word of it does.

use std::fs::File;
use std::io::{IsTerminal, Read, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use jobdeck::api::Clock;
use jobdeck::demo::{Demo, Timeline, World};
use jobdeck::server::{self, Config, StartError};
use jobdeck::store::{Interrupt, Mode, OnConflict, OpenError, Store, StoreError};
use jobdeck::time::Timestamp;
use jobdeck::transfer::{self, Imported, Source, TransferError};

/// Keeps SpaceONE inventory jobs in SQLite, answers the inventory Job API over HTTP, and shows them in a page.
#[derive(Debug, Parser)]
#[command(name = "jobdeck", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the page and the API over a throw-away database of made-up jobs that keep moving
    #[command(after_help = "Example: jobdeck demo --listen 127.0.0.1:0 --seed 7")]
    Demo(DemoArgs),
    /// Serve a database
    #[command(after_help = "Example: jobdeck serve --db jobs.db --listen 127.0.0.1:8080")]
    Serve(ServeArgs),
    /// Load jobs: NDJSON, a JSON array, or an API answer; all or nothing over all the files
    #[command(
        after_help = "Example: jobdeck import --db jobs.db monday.ndjson tuesday.json\n         \
                            curl -s HOST/inventory/v1/jobs?domain_id=D | jobdeck import -"
    )]
    Import(ImportArgs),
    /// Write all jobs as NDJSON; `import` of it gives the same jobs back
    #[command(after_help = "Example: jobdeck export --db jobs.db --output jobs.ndjson")]
    Export(ExportArgs),
    /// Write made-up jobs as NDJSON, the same for the same seed
    #[command(after_help = "Example: jobdeck generate --jobs 100000 --seed 7 | jobdeck import -")]
    Generate(GenerateArgs),
    /// Verify a database: every page, every document, every derived value
    #[command(after_help = "Example: jobdeck check --db jobs.db")]
    Check(DbArgs),
}

#[derive(Debug, Args)]
struct DbArgs {
    /// The database file
    #[arg(
        long,
        value_name = "FILE",
        env = "JOBDECK_DB",
        default_value = "jobdeck.db"
    )]
    db: PathBuf,
}

#[derive(Debug, Args)]
struct ListenArgs {
    /// Where to listen; port 0 takes a free one
    #[arg(
        long,
        value_name = "ADDR",
        env = "JOBDECK_LISTEN",
        default_value = "127.0.0.1:8080",
        value_parser = address
    )]
    listen: SocketAddr,
    /// HTTP workers [default: the number of cores]
    #[arg(long, value_name = "N", env = "JOBDECK_WORKERS", value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: Option<u16>,
    /// No query runs longer
    #[arg(long, value_name = "SECONDS", env = "JOBDECK_QUERY_TIMEOUT", default_value = "10", value_parser = seconds)]
    query_timeout: Duration,
    /// A further name under which the server may be reached; may be given several times
    #[arg(
        long = "allow-host",
        value_name = "NAME",
        env = "JOBDECK_ALLOW_HOST",
        value_delimiter = ','
    )]
    allow_hosts: Vec<String>,
    /// Listen on an address that other machines can reach, though anybody there may then read every job
    #[arg(long, env = "JOBDECK_INSECURE", value_parser = clap::builder::BoolishValueParser::new())]
    insecure: bool,
}

#[derive(Debug, Args)]
struct DemoArgs {
    #[command(flatten)]
    listen: ListenArgs,
    /// Which made-up jobs; the same seed makes the same jobs
    #[arg(long, value_name = "N", env = "JOBDECK_SEED", default_value = "1")]
    seed: u64,
}

#[derive(Debug, Args)]
struct ServeArgs {
    #[command(flatten)]
    db: DbArgs,
    #[command(flatten)]
    listen: ListenArgs,
    /// Freeze "now", as the timediff operators see it (RFC 3339) [default: the clock]
    #[arg(long, value_name = "INSTANT", env = "JOBDECK_NOW", value_parser = Timestamp::parse_rfc3339)]
    now: Option<Timestamp>,
    /// Make the database where there is none
    #[arg(long, env = "JOBDECK_CREATE", value_parser = clap::builder::BoolishValueParser::new())]
    create: bool,
}

#[derive(Debug, Args)]
struct ImportArgs {
    #[command(flatten)]
    db: DbArgs,
    /// The files; `-` is standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// What to do with a job that is present already
    #[arg(
        long,
        value_name = "HOW",
        env = "JOBDECK_ON_CONFLICT",
        default_value = "replace"
    )]
    on_conflict: ConflictArg,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ConflictArg {
    /// The new one takes its place
    Replace,
    /// The old one stays
    Skip,
    /// Nothing is imported
    Fail,
}

#[derive(Debug, Args)]
struct OutputArgs {
    /// Where to write; `-` is standard output
    #[arg(
        long,
        short,
        value_name = "FILE",
        env = "JOBDECK_OUTPUT",
        default_value = "-"
    )]
    output: PathBuf,
}

#[derive(Debug, Args)]
struct ExportArgs {
    #[command(flatten)]
    db: DbArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Args)]
struct GenerateArgs {
    #[command(flatten)]
    output: OutputArgs,
    /// How many jobs
    #[arg(long, value_name = "N", env = "JOBDECK_JOBS", default_value = "10000")]
    jobs: u64,
    /// Which made-up jobs; the same seed makes the same bytes
    #[arg(long, value_name = "N", env = "JOBDECK_SEED", default_value = "1")]
    seed: u64,
    /// Over how many domains; the first has seven tenths of the jobs
    #[arg(long, value_name = "N", env = "JOBDECK_DOMAINS", default_value = "4", value_parser = clap::value_parser!(u16).range(1..))]
    domains: u16,
    /// Over how many days
    #[arg(long, value_name = "N", env = "JOBDECK_DAYS", default_value = "365", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: u32,
    /// The moment at which the days end (RFC 3339)
    #[arg(long, value_name = "INSTANT", env = "JOBDECK_NOW", default_value = "2026-01-01T00:00:00Z", value_parser = Timestamp::parse_rfc3339)]
    now: Timestamp,
}

/// Why a command failed; one line, which says what, which file, and what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Transfer(#[from] TransferError),
    #[error("{path}: {source}")]
    Store { path: PathBuf, source: StoreError },
    #[error("{path}: {source}; check the path and its permissions")]
    Io {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{0}")]
    Problems(String),
    #[error(
        "{0}: other machines can reach this address, and there is no check of who asks; listen on 127.0.0.1, or say `--insecure`"
    )]
    Exposed(SocketAddr),
    #[error("{0}")]
    Server(std::io::Error),
    #[error(
        "{0}: is a SQLite database or belongs to one, and the output would take its place; name another file"
    )]
    OverDatabase(PathBuf),
    /// Whoever read our output has read enough.
    #[error("the output was closed")]
    ClosedOutput,
}

impl Cli {
    /// Does what was said.
    ///
    /// # Errors
    /// [`Failure`], in one line.
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Demo(args) => demo(&args),
            Command::Serve(args) => serve(&args),
            Command::Import(args) => import(&args),
            Command::Export(args) => export(&args),
            Command::Generate(args) => generate(&args),
            Command::Check(args) => check(&args),
        }
    }
}

/// An address and a port, or a name and a port.
fn address(text: &str) -> Result<SocketAddr, String> {
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

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text
        .parse()
        .map_err(|_invalid| "expected a number of seconds".to_owned())?;
    if seconds > 0.0 && seconds <= 86_400.0 {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err("expected more than 0 and at most 86400 seconds".to_owned())
    }
}

impl ListenArgs {
    fn config(&self, now: Option<Timestamp>) -> Result<Config, Failure> {
        if !self.listen.ip().is_loopback() && !self.insecure {
            return Err(Failure::Exposed(self.listen));
        }
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Config {
            listen: self.listen,
            workers: self.workers.map_or(cores, usize::from),
            now,
            query_timeout: self.query_timeout,
            allow_hosts: self.allow_hosts.clone(),
        })
    }
}

fn demo(args: &DemoArgs) -> Result<(), Failure> {
    let config = args.listen.config(None)?;
    // Removed when it is dropped, after the server has stopped.
    let folder = tempfile::Builder::new()
        .prefix("jobdeck-demo-")
        .tempdir()
        .map_err(|source| Failure::Io {
            path: std::env::temp_dir(),
            source,
        })?;
    let path = folder.path().join("demo.db");
    let store = Arc::new(Store::open(&path, Mode::Scratch, config.readers())?);
    let mut demo =
        Demo::start(&store, args.seed, Clock::System.now()).map_err(|source| Failure::Store {
            path: path.clone(),
            source,
        })?;
    run_server(&config, &store, move |store| {
        actix_web::rt::spawn(async move {
            let mut interval = tokio::time::interval(Demo::INTERVAL);
            loop {
                interval.tick().await;
                let store = Arc::clone(&store);
                let advanced = tokio::task::spawn_blocking(move || {
                    let result = demo.advance(&store, Clock::System.now());
                    (demo, result)
                });
                match advanced.await {
                    Ok((back, result)) => {
                        demo = back;
                        if let Err(error) = result {
                            log::warn!("the demo stands still for a moment: {error}");
                        }
                    }
                    Err(error) => {
                        log::error!("the demo stands still: {error}");
                        return;
                    }
                }
            }
        });
    })
}

fn serve(args: &ServeArgs) -> Result<(), Failure> {
    let config = args.listen.config(args.now)?;
    let mode = if args.create {
        Mode::Create
    } else {
        Mode::ReadWrite
    };
    let store = Arc::new(Store::open(&args.db.db, mode, config.readers())?);
    run_server(&config, &store, |_| {})
}

/// Serves until a signal; `beside` is started with the server.
fn run_server(
    config: &Config,
    store: &Arc<Store>,
    beside: impl FnOnce(Arc<Store>),
) -> Result<(), Failure> {
    actix_web::rt::System::new().block_on(async {
        let (running, address) = server::start(config, Arc::clone(store))?;
        beside(Arc::clone(store));
        // The one line that scripts read.
        writeln!(std::io::stdout(), "jobdeck listening on http://{address}")
            .map_err(Failure::Server)?;
        running.await.map_err(Failure::Server)
    })
}

fn import(args: &ImportArgs) -> Result<(), Failure> {
    let progress = progress_bar(
        input_bytes(&args.paths),
        "{bar:30} {bytes}/{total_bytes} {binary_bytes_per_sec} {msg}",
    );
    // Opened before the database is made, so that a misspelt path leaves nothing behind.
    let sources = args
        .paths
        .iter()
        .map(|path| source(path, &progress))
        .collect::<Result<Vec<_>, _>>()?;
    let on_conflict = match args.on_conflict {
        ConflictArg::Replace => OnConflict::Replace,
        ConflictArg::Skip => OnConflict::Skip,
        ConflictArg::Fail => OnConflict::Fail,
    };
    let fill = |path: &Path| -> Result<Imported, Failure> {
        let store = Store::open(path, Mode::Create, 1)?;
        transfer::import(&store, sources, on_conflict).map_err(|error| match error {
            TransferError::Store(source) => Failure::Store {
                path: path.to_owned(),
                source,
            },
            other => other.into(),
        })
    };
    let database = &args.db.db;
    let imported = if database.exists() {
        fill(database)
    } else {
        fill_new(database, fill)
    };
    progress.finish_and_clear();
    let imported = imported?;
    let of_these = if imported.total() == 0 {
        "; there was no job in what was read"
    } else {
        ""
    };
    say(&format!(
        "read {}, {}: {} added, {} replaced, {} skipped{of_these}",
        counted(imported.total()),
        args.db.db.display(),
        imported.added,
        imported.replaced,
        imported.skipped
    ))
}

/// Makes a new database beside the place where it belongs, and puts it there when it is whole: an import that fails
/// leaves nothing, and nobody sees a part.
fn fill_new(
    database: &Path,
    fill: impl FnOnce(&Path) -> Result<Imported, Failure>,
) -> Result<Imported, Failure> {
    let io = |source: std::io::Error| Failure::Io {
        path: database.to_owned(),
        source,
    };
    let parent = database
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let (folders, is_stopping) = remove_at_signal();
    let folder = tempfile::Builder::new()
        .prefix(".jobdeck-import-")
        .tempdir_in(parent.unwrap_or(Path::new(".")))
        .map_err(|error| io(error.kind().into()))?;
    // A thread that has ended has nothing to remove.
    let _ = folders.send(folder.path().to_owned());
    let made = folder.path().join("jobs.db");
    let imported = fill(&made);
    while is_stopping.load(Ordering::SeqCst) {
        // Its folder is being taken away: whatever went wrong is no fault to tell, and the process is about to end.
        std::thread::park();
    }
    let imported = imported?;
    // Unlike a rename, a link takes the place of nothing that came to stand there meanwhile.
    match std::fs::hard_link(&made, database) {
        // A file system without links has renames at least.
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            std::fs::rename(&made, database).map_err(io)?;
        }
        linked => linked.map_err(io)?,
    }
    Ok(imported)
}

/// When the process is told to stop, removes the folder that was sent and ends it. Signals are noticed from when this
/// returns.
fn remove_at_signal() -> (mpsc::Sender<PathBuf>, Arc<AtomicBool>) {
    let is_stopping = Arc::new(AtomicBool::new(false));
    let stopping = Arc::clone(&is_stopping);
    let (folders, sent) = mpsc::channel::<PathBuf>();
    let (ready, is_ready) = mpsc::channel();
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let stop = server::stop_signal();
            let _ = ready.send(());
            stop.await;
        });
        stopping.store(true, Ordering::SeqCst);
        if let Ok(folder) = sent.try_recv() {
            // The import goes on meanwhile and may put a file into it just then; without the folder it can't.
            const TRIES: usize = 1_000;
            let is_gone = |_: &usize| std::fs::remove_dir_all(&folder).is_ok() || !folder.exists();
            let _ = (0..TRIES).find(is_gone);
        }
        let _ = writeln!(std::io::stderr(), "jobdeck: stopped; nothing was imported");
        std::process::exit(1);
    });
    // Where the thread could not start, there is no removing, and no need to wait.
    let _ = is_ready.recv();
    (folders, is_stopping)
}

fn counted(jobs: u64) -> String {
    if jobs == 1 {
        "1 job".to_owned()
    } else {
        format!("{jobs} jobs")
    }
}

/// The size of all the files; `None` where standard input is among them.
fn input_bytes(paths: &[PathBuf]) -> Option<u64> {
    paths
        .iter()
        .map(|path| {
            if is_dash(path) {
                None
            } else {
                path.metadata().ok().map(|file| file.len())
            }
        })
        .sum()
}

fn is_dash(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn source(path: &Path, progress: &ProgressBar) -> Result<Source, Failure> {
    let reader: Box<dyn Read> = if is_dash(path) {
        Box::new(std::io::stdin())
    } else {
        let io = |source| Failure::Io {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(io)?;
        if file.metadata().map_err(io)?.is_dir() {
            return Err(io(std::io::ErrorKind::IsADirectory.into()));
        }
        Box::new(file)
    };
    let name = if is_dash(path) {
        "standard input".to_owned()
    } else {
        path.display().to_string()
    };
    Ok(Source {
        name,
        reader: Box::new(progress.wrap_read(reader)),
    })
}

fn export(args: &ExportArgs) -> Result<(), Failure> {
    refuse_database(&args.output.output)?;
    let store = Store::open(&args.db.db, Mode::ReadOnly, 1)?;
    let store_failure = |source| Failure::Store {
        path: args.db.db.clone(),
        source,
    };
    let mut reader = store
        .reader(&Arc::new(Interrupt::after(Duration::MAX)))
        .map_err(store_failure)?;
    let snapshot = reader.snapshot().map_err(store_failure)?;
    let progress = progress_bar(
        Some(snapshot.total().map_err(store_failure)?),
        "{bar:30} {human_pos}/{human_len} jobs",
    );
    write_output(&args.output, |name, out| {
        let mut counting = LineProgress {
            out,
            progress: &progress,
        };
        let result = transfer::export(&snapshot, name, &mut counting);
        progress.finish_and_clear();
        result.map(|_| ()).map_err(|error| match error {
            TransferError::Io { fault, .. } if fault.kind() == std::io::ErrorKind::BrokenPipe => {
                Failure::ClosedOutput
            }
            other => other.into(),
        })
    })
}

/// Counts lines as they are written.
struct LineProgress<'p, W> {
    out: W,
    progress: &'p ProgressBar,
}

impl<W: Write> Write for LineProgress<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.progress.inc(u64::from(bytes == b"\n"));
        self.out.write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

fn generate(args: &GenerateArgs) -> Result<(), Failure> {
    refuse_database(&args.output.output)?;
    let world = World::new(args.seed, usize::from(args.domains));
    let timeline = Timeline::before(args.now, args.days, args.jobs);
    let progress = progress_bar(Some(args.jobs), "{bar:30} {human_pos}/{human_len} jobs");
    write_output(&args.output, |name, out| {
        for index in 0..args.jobs {
            let line = world.life(&timeline, index).at(args.now).to_document();
            writeln!(out, "{line}").map_err(|source| output_failure(name, source))?;
            progress.inc(1);
        }
        progress.finish_and_clear();
        out.flush().map_err(|source| output_failure(name, source))
    })
}

fn output_failure(name: &str, source: std::io::Error) -> Failure {
    match source.kind() {
        std::io::ErrorKind::BrokenPipe => Failure::ClosedOutput,
        _ => Failure::Io {
            path: name.into(),
            source,
        },
    }
}

/// Lets `write` write to standard output, or to a file that only takes its place when it is whole.
///
/// What is there and is no regular file (a pipe, a device, a link) is written to as it is.
fn write_output(
    args: &OutputArgs,
    write: impl FnOnce(&str, &mut dyn Write) -> Result<(), Failure>,
) -> Result<(), Failure> {
    const BUFFER_BYTES: usize = 1 << 18;

    if is_dash(&args.output) {
        let mut out = std::io::BufWriter::with_capacity(BUFFER_BYTES, std::io::stdout().lock());
        return write("standard output", &mut out);
    }
    let path = &args.output;
    let name = path.display().to_string();
    let io = |source: std::io::Error| Failure::Io {
        path: path.clone(),
        source,
    };
    let present = match std::fs::symlink_metadata(path) {
        Ok(metadata) => Some(metadata),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(io(error)),
    };
    if present.as_ref().is_some_and(|metadata| !metadata.is_file()) {
        let file = std::fs::OpenOptions::new()
            .write(true)
            .truncate(true)
            .open(path)
            .map_err(io)?;
        return write(
            &name,
            &mut std::io::BufWriter::with_capacity(BUFFER_BYTES, file),
        );
    }
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .permissions(std::fs::Permissions::from_mode(0o666))
        .tempfile_in(folder)
        .map_err(|error| io(error.kind().into()))?;
    write(
        &name,
        &mut std::io::BufWriter::with_capacity(BUFFER_BYTES, &mut file),
    )?;
    if let Some(metadata) = present {
        file.as_file()
            .set_permissions(metadata.permissions())
            .map_err(io)?;
    }
    file.as_file().sync_all().map_err(io)?;
    file.persist(path).map_err(|error| io(error.error))?;
    Ok(())
}

/// Refuses to write over a database: the one that is read, or any other.
fn refuse_database(output: &Path) -> Result<(), Failure> {
    const MAGIC: &[u8] = b"SQLite format 3\0";
    let mut start = [0; MAGIC.len()];
    let is_file = std::fs::metadata(output).is_ok_and(|metadata| metadata.is_file());
    let is_database = is_file
        && File::open(output)
            .and_then(|mut file| file.read_exact(&mut start))
            .is_ok()
        && start == MAGIC;
    // The write-ahead log and its index belong to the database that they are named after.
    let is_log = ["-wal", "-shm", "-journal"].iter().any(|ending| {
        let name = output.to_string_lossy();
        name.strip_suffix(ending)
            .is_some_and(|database| Path::new(database).exists())
    });
    if is_database || is_log {
        Err(Failure::OverDatabase(output.to_owned()))
    } else {
        Ok(())
    }
}

fn check(args: &DbArgs) -> Result<(), Failure> {
    let store = Store::open(&args.db, Mode::ReadOnly, 1)?;
    let report = store.check().map_err(|source| Failure::Store {
        path: args.db.clone(),
        source,
    })?;
    if report.problems.is_empty() {
        return say(&format!(
            "{}: {}, nothing is wrong",
            args.db.display(),
            counted(report.jobs)
        ));
    }
    for problem in &report.problems {
        say(&format!("{}: {problem}", args.db.display()))?;
    }
    Err(Failure::Problems(format!(
        "{}: {} problems found; restore a backup, or export what is whole and import it into a new database",
        args.db.display(),
        report.problems.len()
    )))
}

fn say(line: &str) -> Result<(), Failure> {
    writeln!(std::io::stdout(), "{line}")
        .map_err(|source| output_failure("standard output", source))
}

/// A bar on standard error where that is a terminal, else nothing.
fn progress_bar(length: Option<u64>, template: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(length.unwrap_or(0));
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.with_style(style)
}

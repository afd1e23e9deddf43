//! The options and terms that say which jobs a command is about.

use clap::Args;
use clap::builder::BoolishValueParser;
use jobdeck::job::JobStatus;
use jobdeck::terms::{Filters, Search, When, as_search};

/// The options and the terms, which are arguments.
#[derive(Debug, Args)]
pub(in crate::cli) struct FilterArgs {
    /// What the search box of the page takes: `status:ERROR`, `-status:SUCCESS`, `message~quota`, `created>=2026-01-31`, plain
    /// words; see `jobdeck docs page`
    #[arg(value_name = "TERM")]
    terms: Vec<String>,
    #[command(flatten)]
    options: FilterOptions,
}

impl FilterArgs {
    /// Reads the terms.
    ///
    /// # Errors
    /// A text that says what is wrong with one.
    pub(in crate::cli) fn filters(&self) -> Result<Filters, String> {
        self.options.filters(&self.terms)
    }
}

/// The options, for a command whose arguments are no terms, too.
#[derive(Debug, Args)]
pub(in crate::cli) struct FilterOptions {
    /// Jobs with this status; may be given several times, as may all names below
    #[arg(long = "status", value_name = "STATUS", env = "JOBDECK_STATUS", value_delimiter = ',', value_parser = parse_status)]
    statuses: Vec<JobStatus>,
    /// Jobs that failed: with the status ERROR or TIMEOUT
    #[arg(long, env = "JOBDECK_FAILED", value_parser = BoolishValueParser::new(), conflicts_with = "statuses")]
    failed: bool,
    /// Jobs of this collector, by its name
    #[arg(
        long = "collector",
        value_name = "NAME",
        env = "JOBDECK_COLLECTOR",
        value_delimiter = ','
    )]
    collectors: Vec<String>,
    /// Jobs of this collector, by its id
    #[arg(
        long = "collector-id",
        value_name = "ID",
        env = "JOBDECK_COLLECTOR_ID",
        value_delimiter = ','
    )]
    collector_ids: Vec<String>,
    /// Jobs of this provider
    #[arg(
        long = "provider",
        value_name = "NAME",
        env = "JOBDECK_PROVIDER",
        value_delimiter = ','
    )]
    providers: Vec<String>,
    /// Jobs of this project
    #[arg(
        long = "project",
        value_name = "ID",
        env = "JOBDECK_PROJECT",
        value_delimiter = ','
    )]
    projects: Vec<String>,
    /// The job of this id
    #[arg(
        long = "job",
        value_name = "ID",
        env = "JOBDECK_JOB",
        value_delimiter = ','
    )]
    jobs: Vec<String>,
    /// Jobs with an error of this code
    #[arg(
        long = "error-code",
        value_name = "CODE",
        env = "JOBDECK_ERROR_CODE",
        value_delimiter = ','
    )]
    error_codes: Vec<String>,
    /// Jobs that were created at this time or later: 90m, 12h, 7d, 2w, today, yesterday, 2026-01-31, 2026-01-31T08:00Z
    #[arg(long, value_name = "TIME", env = "JOBDECK_SINCE", value_parser = When::parse)]
    since: Option<When>,
    /// Jobs that were created before this time, in the same forms
    #[arg(long, value_name = "TIME", env = "JOBDECK_UNTIL", value_parser = When::parse)]
    until: Option<When>,
}

fn parse_status(text: &str) -> Result<JobStatus, String> {
    JobStatus::from_name(&text.to_uppercase()).ok_or_else(|| {
        let names = JobStatus::ALL.map(JobStatus::name).join(", ");
        format!("expected one of {names}")
    })
}

impl FilterOptions {
    /// Joins the options to terms, which it reads.
    ///
    /// # Errors
    /// A text that says what is wrong with one.
    pub(in crate::cli) fn filters(&self, terms: &[String]) -> Result<Filters, String> {
        let search = as_search(terms);
        let search = Search::parse(&search).map_err(|error| error.to_string())?;
        let failed = [JobStatus::Error, JobStatus::Timeout];
        Ok(Filters {
            statuses: if self.failed {
                failed.to_vec()
            } else {
                self.statuses.clone()
            },
            collectors: self.collectors.clone(),
            collector_ids: self.collector_ids.clone(),
            providers: self.providers.clone(),
            projects: self.projects.clone(),
            jobs: self.jobs.clone(),
            error_codes: self.error_codes.clone(),
            since: self.since.clone(),
            until: self.until.clone(),
            search,
        })
    }
}

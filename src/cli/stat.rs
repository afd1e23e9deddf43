//! `stat`: counts jobs in groups.

use std::io::Write;
use std::process::ExitCode;

use clap::builder::BoolishValueParser;
use clap::{Args, ValueEnum};
use jobdeck::route::Route;
use serde_json::{Map, Value as Json, json};

use super::failure::Failure;
use super::list::{Limit, parse_limit, set_limit};
use super::output::output_failure;
use super::shell::{
    Access, Cell, FilterArgs, PrintFormat, Request, Table, Target, TargetArgs, csv_row, hint,
    json_rows, print_lines, span,
};

#[derive(Debug, Args)]
pub(super) struct StatArgs {
    #[command(flatten)]
    filters: FilterArgs,
    #[command(flatten)]
    target: TargetArgs,
    /// What to count by; may be given several times, for each combination
    #[arg(
        long,
        value_name = "GROUP",
        env = "JOBDECK_BY",
        default_value = "status",
        value_delimiter = ','
    )]
    by: Vec<Group>,
    /// Add the median of the durations, and the duration that 95 % of the jobs took at most
    #[arg(long, env = "JOBDECK_DURATION", value_parser = BoolishValueParser::new())]
    duration: bool,
    /// The most groups to print, or `all`
    #[arg(long, value_name = "N|all", env = "JOBDECK_LIMIT", default_value = "100", value_parser = parse_limit)]
    limit: Limit,
    /// The format of the output
    #[arg(
        long,
        value_name = "FORMAT",
        env = "JOBDECK_PRINT_FORMAT",
        default_value = "table"
    )]
    format: PrintFormat,
    /// Print the request of the API, as a command of curl, and do nothing else
    #[arg(long, env = "JOBDECK_SHOW_REQUEST", value_parser = BoolishValueParser::new())]
    show_request: bool,
}

/// What jobs are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Group {
    Status,
    Collector,
    Provider,
    Plugin,
    Project,
    ErrorCode,
    Hour,
    Day,
    Month,
}

impl Group {
    /// Returns the name in the answer.
    fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Collector => "collector",
            Self::Provider => "provider",
            Self::Plugin => "plugin",
            Self::Project => "project",
            Self::ErrorCode => "error_code",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    fn head(self) -> &'static str {
        match self {
            Self::Status => "STATUS",
            Self::Collector => "COLLECTOR",
            Self::Provider => "PROVIDER",
            Self::Plugin => "PLUGIN",
            Self::Project => "PROJECT",
            Self::ErrorCode => "ERROR CODE",
            Self::Hour => "HOUR (UTC)",
            Self::Day => "DAY (UTC)",
            Self::Month => "MONTH (UTC)",
        }
    }

    /// Returns the path in a job.
    fn path(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Collector => "collector_info.name",
            Self::Provider => "collector_info.provider",
            Self::Plugin => "collector_info.plugin_info.plugin_id",
            Self::Project => "project_id",
            Self::ErrorCode => "errors.error_code",
            Self::Hour | Self::Day | Self::Month => "created_at",
        }
    }

    /// Returns the format of a time; `None` where the values are no times.
    fn date_format(self) -> Option<&'static str> {
        match self {
            Self::Hour => Some("%Y-%m-%dT%H"),
            Self::Day => Some("%Y-%m-%d"),
            Self::Month => Some("%Y-%m"),
            _ => None,
        }
    }
}

impl StatArgs {
    /// Checks what the arguments say together.
    pub(super) fn check(&self) -> Result<(), String> {
        let repeated = self
            .by
            .iter()
            .enumerate()
            .find(|(index, group)| self.by[..*index].contains(group));
        if let Some((_, group)) = repeated {
            return Err(format!(
                "`--by {}` is given twice",
                group.name().replace('_', "-")
            ));
        }
        self.filters.filters().map(|_| ())
    }

    fn request(&self, domain_id: &str) -> Result<Request, Failure> {
        let mut query = self.filters.filters().map_err(Failure::Problems)?.query();
        query.insert(
            "aggregate".to_owned(),
            aggregate(&self.by, self.duration).into(),
        );
        set_limit(&mut query, self.limit);
        // Medians and percentiles are jobdeck's own.
        let route = if self.duration {
            Route::StatWithPercentiles
        } else {
            Route::StatJobs
        };
        Ok(Request::query(route, domain_id, &query))
    }
}

/// Returns the stages that make a row for each group.
///
/// Durations are computed before the group. A job may have an error code twice, so errors, once they are unwound, are first
/// grouped by job: what is counted are jobs, not errors.
fn aggregate(by: &[Group], has_duration: bool) -> Vec<Json> {
    let is_unwound = by.contains(&Group::ErrorCode);
    let mut stages = Vec::new();
    if is_unwound {
        stages.push(json!({"unwind": {"path": "errors"}}));
    }
    if has_duration {
        let mut fields: Vec<_> = by
            .iter()
            .map(|group| json!({"name": group.name(), "key": group.path()}))
            .collect();
        if is_unwound {
            fields.push(json!({"name": "job_id", "key": "job_id"}));
        }
        fields.push(json!({"name": "duration", "operator": "subtract", "fields": ["finished_at", "created_at"]}));
        stages.push(json!({"project": {"fields": fields}}));
    }
    let mut keys: Vec<_> = by
        .iter()
        .map(|group| {
            let key = if has_duration {
                group.name()
            } else {
                group.path()
            };
            let mut key = json!({"key": key, "name": group.name()});
            if let Some(format) = group.date_format() {
                key["date_format"] = json!(format);
            }
            key
        })
        .collect();
    if is_unwound {
        keys.push(json!({"key": "job_id", "name": "job_id"}));
        let duration = has_duration
            .then(|| json!({"name": "duration", "operator": "first", "key": "duration"}));
        let fields: Vec<_> = duration.into_iter().collect();
        stages.push(json!({"group": {"keys": keys, "fields": fields}}));
        keys = by
            .iter()
            .map(|group| json!({"key": group.name(), "name": group.name()}))
            .collect();
    }
    let mut fields = vec![json!({"name": "jobs", "operator": "count"})];
    if has_duration {
        fields.push(json!({"name": "median", "operator": "median", "key": "duration"}));
        fields.push(
            json!({"name": "p95", "operator": "percentile", "percent": 95, "key": "duration"}),
        );
    }
    stages.push(json!({"group": {"keys": keys, "fields": fields}}));
    stages.push(json!({"sort": {"keys": order(by)}}));
    stages
}

/// The newest times first, then the groups with the most jobs.
fn order(by: &[Group]) -> Vec<Json> {
    let key = |name: &str, desc| json!({"key": name, "desc": desc});
    let (times, others): (Vec<_>, Vec<_>) = by
        .iter()
        .copied()
        .partition(|group| group.date_format().is_some());
    let times = times.into_iter().map(|group| key(group.name(), true));
    let others = others.into_iter().map(|group| key(group.name(), false));
    times.chain([key("jobs", true)]).chain(others).collect()
}

pub(super) fn stat(args: &StatArgs) -> Result<ExitCode, Failure> {
    if args.show_request
        && let Some(domain) = &args.target.domain
    {
        print_lines(&[args.target.curl(&args.request(domain)?)])?;
        return Ok(ExitCode::SUCCESS);
    }
    let target = args.target.open(Access::Read)?;
    let domain = target.domain(args.target.domain.as_deref())?;
    let request = args.request(&domain)?;
    if args.show_request {
        print_lines(&[args.target.curl(&request)])?;
    } else if args.format == PrintFormat::Json {
        print_lines(&[target.json(&request)?.to_string()])?;
    } else {
        print(args, &target, &request)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The names of the columns in the answer.
fn columns(args: &StatArgs) -> Vec<&'static str> {
    let mut columns: Vec<_> = args.by.iter().map(|group| group.name()).collect();
    columns.push("jobs");
    if args.duration {
        columns.extend(["median", "p95"]);
    }
    columns
}

fn print(args: &StatArgs, target: &Target, request: &Request) -> Result<(), Failure> {
    let columns = columns(args);
    let mut rows = Vec::new();
    let total = json_rows(target.send(request)?, &mut |row| {
        let row: Map<String, Json> =
            serde_json::from_str(row).map_err(|error| error.to_string())?;
        rows.push(row);
        Ok(())
    });
    let total = total.map_err(|error| target.broken_off(&error))?;
    match args.format {
        PrintFormat::Table if rows.is_empty() => hint("no job matches"),
        PrintFormat::Table => print_lines(&table(args, &columns, &rows).lines())?,
        PrintFormat::Csv => print_csv(&columns, &rows)?,
        PrintFormat::Ndjson | PrintFormat::Json if rows.is_empty() => {}
        PrintFormat::Ndjson | PrintFormat::Json => {
            let lines: Vec<_> = rows.iter().map(|row| json!(row).to_string()).collect();
            print_lines(&lines)?;
        }
    }
    let shown = rows.len() as u64;
    if let Some(total) = total.filter(|total| *total > shown) {
        hint(&format!(
            "{shown} of {total} groups; `--limit all` prints all"
        ));
    }
    Ok(())
}

fn table(args: &StatArgs, columns: &[&str], rows: &[Map<String, Json>]) -> Table {
    let mut head: Vec<_> = args.by.iter().map(|group| group.head()).collect();
    head.push("JOBS");
    if args.duration {
        head.extend(["MEDIAN", "95 % WITHIN"]);
    }
    let mut table = Table::new(head, &[0]);
    for row in rows {
        let cells = columns.iter().enumerate().map(|(index, column)| {
            let value = row.get(*column).unwrap_or(&Json::Null);
            match value {
                Json::Null if index > args.by.len() => Cell::number("–".to_owned()),
                Json::Null => Cell::new("–"),
                Json::String(text) => {
                    let colour = (*column == "status").then(|| super::list::status_colour(text));
                    Cell::new(text).coloured(colour.flatten())
                }
                Json::Number(number) if index > args.by.len() => {
                    Cell::number(span(whole(number.as_f64().unwrap_or_default())))
                }
                other => Cell::number(other.to_string()),
            }
        });
        table.push(cells.collect());
    }
    table
}

/// Returns a number of milliseconds without its fraction.
#[expect(
    clippy::cast_possible_truncation,
    reason = "no job takes 2^63 milliseconds"
)]
fn whole(millis: f64) -> i64 {
    millis as i64
}

fn print_csv(columns: &[&str], rows: &[Map<String, Json>]) -> Result<(), Failure> {
    let mut text = csv_row(columns.iter().copied()).map_err(Failure::Problems)?;
    for row in rows {
        let cells = columns.iter().map(|column| match row.get(*column) {
            None | Some(Json::Null) => String::new(),
            Some(Json::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        });
        let cells: Vec<_> = cells.collect();
        text.extend(csv_row(cells.iter().map(String::as_str)).map_err(Failure::Problems)?);
    }
    let mut out = std::io::stdout().lock();
    out.write_all(&text)
        .and_then(|()| out.flush())
        .map_err(|source| output_failure("standard output", source))
}

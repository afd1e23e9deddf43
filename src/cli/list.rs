//! `list`: prints jobs.

use std::io::{Read, Write};
use std::process::ExitCode;

use clap::Args;
use clap::builder::BoolishValueParser;
use jobdeck::job::JobStatus;
use jobdeck::terms::path_of;
use jobdeck::time::Timestamp;
use jobdeck::transfer::{ExportFormat, JobWriter};
use serde_json::{Map, Value as Json, json};

use super::failure::Failure;
use super::output::output_failure;
use super::shell::{
    Access, Cell, Colour, FilterArgs, PrintFormat, Request, Table, Target, TargetArgs, hint,
    json_rows, print_lines, span,
};

/// What the table needs of a job.
const SHOWN: [&str; 8] = [
    "job_id",
    "status",
    "collector_info.name",
    "collector_info.collector_id",
    "errors.error_code",
    "errors.message",
    "created_at",
    "finished_at",
];

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    filters: FilterArgs,
    #[command(flatten)]
    target: TargetArgs,
    /// The key to sort by, a key of terms or any path of a job; with a minus the largest first; may be given several times
    #[arg(
        long,
        value_name = "KEY",
        env = "JOBDECK_SORT",
        default_value = "-created",
        allow_hyphen_values = true,
        value_delimiter = ',',
        value_parser = SortKey::parse
    )]
    sort: Vec<SortKey>,
    /// The most jobs to print, or `all`
    #[arg(long, value_name = "N|all", env = "JOBDECK_LIMIT", default_value = "20", value_parser = parse_limit)]
    limit: Limit,
    /// The format of the output
    #[arg(
        long,
        value_name = "FORMAT",
        env = "JOBDECK_PRINT_FORMAT",
        default_value = "table"
    )]
    format: PrintFormat,
    /// End with 1 if there is such a job
    #[arg(long, env = "JOBDECK_FAIL_IF_ANY", value_parser = BoolishValueParser::new())]
    fail_if_any: bool,
    /// Print the request of the API, as a command of curl, and do nothing else
    #[arg(long, env = "JOBDECK_SHOW_REQUEST", value_parser = BoolishValueParser::new())]
    show_request: bool,
}

/// The most results: `None` is all.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit(pub(super) Option<u32>);

/// Parses a positive number, or `all`.
pub(super) fn parse_limit(text: &str) -> Result<Limit, String> {
    if text == "all" {
        return Ok(Limit(None));
    }
    let number = text
        .parse()
        .ok()
        .filter(|number| (1..=1_000_000).contains(number));
    let number = number.ok_or("expected a number from 1 to 1000000, or `all`")?;
    Ok(Limit(Some(number)))
}

/// A path that jobs are sorted by.
#[derive(Debug, Clone)]
struct SortKey {
    path: String,
    is_descending: bool,
}

impl SortKey {
    fn parse(text: &str) -> Result<Self, String> {
        let name = text.strip_prefix('-').unwrap_or(text);
        if name == "duration" {
            return Err("the API sorts by members of a job, and a duration is none".to_owned());
        }
        let path = path_of(name).map_err(|error| error.to_string())?;
        Ok(Self {
            path,
            is_descending: text.starts_with('-'),
        })
    }
}

impl ListArgs {
    /// Checks what the arguments say together.
    pub(super) fn check(&self) -> Result<(), String> {
        self.filters.filters().map(|_| ())
    }

    fn request(&self, domain_id: &str) -> Result<Request, Failure> {
        let mut query = self.filters.filters().map_err(Failure::Problems)?.query();
        let keys: Vec<_> = self
            .sort
            .iter()
            .map(
                |SortKey {
                     path,
                     is_descending,
                 }| json!({"key": path, "desc": is_descending}),
            )
            .collect();
        query.insert("sort".to_owned(), json!({"keys": keys}));
        set_limit(&mut query, self.limit);
        if self.format == PrintFormat::Table {
            query.insert("only".to_owned(), json!(SHOWN));
        }
        Ok(Request::search(domain_id, &query))
    }
}

/// Sets the page of a query.
pub(super) fn set_limit(query: &mut Map<String, Json>, Limit(limit): Limit) {
    if let Some(limit) = limit {
        query.insert("page".to_owned(), json!({"limit": limit}));
    }
}

pub(super) fn list(args: &ListArgs) -> Result<ExitCode, Failure> {
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
        return Ok(ExitCode::SUCCESS);
    }
    let jobs = match args.format {
        PrintFormat::Table => print_table(&target, &domain, &request)?,
        PrintFormat::Json => print_answer(&target, &request)?,
        PrintFormat::Ndjson => print_jobs(&target, &request, ExportFormat::Ndjson)?,
        PrintFormat::Csv => print_jobs(&target, &request, ExportFormat::Csv)?,
    };
    Ok(if args.fail_if_any && jobs > 0 {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn print_table(target: &Target, domain: &str, request: &Request) -> Result<u64, Failure> {
    let now = target.now(domain);
    let head = vec!["STATUS", "COLLECTOR", "ERROR", "AGE", "DURATION", "JOB"];
    let mut table = Table::new(head, &[1, 2]);
    let mut shown = 0;
    let total = json_rows(target.send(request)?, &mut |job| {
        let job: Json = serde_json::from_str(job).map_err(|error| error.to_string())?;
        table.push(row(&job, now));
        shown += 1;
        Ok(())
    });
    let total = total
        .map_err(|error| target.broken_off(&error))?
        .unwrap_or(shown);
    if shown > 0 {
        print_lines(&table.lines())?;
    } else {
        hint("no job matches");
    }
    if total > shown {
        hint(&format!(
            "{shown} of {total} jobs; `--limit {total}` prints all"
        ));
    }
    Ok(shown)
}

fn row(job: &Json, now: Timestamp) -> Vec<Cell> {
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    let status = text(&job["status"]);
    let collector = &job["collector_info"];
    let name = collector["name"]
        .as_str()
        .or(collector["collector_id"].as_str());
    let created = time(&job["created_at"]);
    let age = created.map_or_else(String::new, |created| age(now.millis() - created.millis()));
    let duration = duration(job, now).map_or_else(|| "–".to_owned(), span);
    let colour = status_colour(&status);
    vec![
        Cell::new(&status).coloured(colour),
        Cell::new(name.unwrap_or_default()),
        Cell::new(&first_error(job)),
        Cell::number(age),
        Cell::number(duration),
        Cell::new(&text(&job["job_id"])).coloured(Some(Colour::Quiet)),
    ]
}

/// Reads a time of a job.
pub(super) fn time(value: &Json) -> Option<Timestamp> {
    Timestamp::parse_rfc3339(value.as_str()?).ok()
}

/// Returns how long a job took, or has taken so far, in milliseconds; `None` where it ended at an unknown time.
pub(super) fn duration(job: &Json, now: Timestamp) -> Option<i64> {
    let is_open = matches!(job["status"].as_str(), Some("CREATED" | "IN_PROGRESS"));
    let end = time(&job["finished_at"]).or_else(|| is_open.then_some(now))?;
    Some(end.millis() - time(&job["created_at"])?.millis())
}

pub(super) fn status_colour(status: &str) -> Option<Colour> {
    match JobStatus::from_name(status)? {
        JobStatus::Success => Some(Colour::Good),
        JobStatus::Error | JobStatus::Timeout => Some(Colour::Bad),
        JobStatus::Created | JobStatus::InProgress => Some(Colour::Busy),
        JobStatus::Canceled => Some(Colour::Quiet),
    }
}

/// Returns the code and the message of the first error, and how many more there are.
fn first_error(job: &Json) -> String {
    let errors = job["errors"].as_array().map_or(&[][..], Vec::as_slice);
    let Some((first, others)) = errors.split_first() else {
        return String::new();
    };
    let parts = [&first["error_code"], &first["message"]];
    let parts = parts.into_iter().filter_map(Json::as_str);
    let parts: Vec<_> = parts
        .map(super::shell::one_line)
        .filter(|part| !part.is_empty())
        .collect();
    let more = match others.len() {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    parts.join(": ") + &more
}

/// Writes milliseconds as an age, which needs one unit, and no milliseconds.
fn age(millis: i64) -> String {
    let span = span(millis.max(0) / 1_000 * 1_000);
    let digits = span.bytes().take_while(u8::is_ascii_digit).count();
    match (&span[..digits], span[digits..].chars().next()) {
        ("0", _) | (_, None) => "0s".to_owned(),
        (number, Some(unit)) => format!("{number}{unit}"),
    }
}

/// Prints the answer as it comes; returns its number of jobs, as far as that is of interest.
fn print_answer(target: &Target, request: &Request) -> Result<u64, Failure> {
    /// The end of an answer, `"total_count":0}`, with the largest number.
    const MAX_END: usize = 48;
    let mut answer = target.send(request)?;
    let mut out = std::io::BufWriter::with_capacity(64 << 10, std::io::stdout().lock());
    let written = |source| output_failure("standard output", source);
    let (mut buffer, mut end) = (vec![0; 64 << 10], Vec::new());
    loop {
        let length = answer
            .read(&mut buffer)
            .map_err(|error| target.broken_off(&error))?;
        if length == 0 {
            break;
        }
        out.write_all(&buffer[..length]).map_err(written)?;
        end.extend_from_slice(&buffer[..length]);
        let surplus = end.len().saturating_sub(MAX_END);
        end.drain(..surplus);
    }
    out.write_all(b"\n")
        .and_then(|()| out.flush())
        .map_err(written)?;
    let end = String::from_utf8_lossy(&end);
    let total = end
        .trim_end()
        .strip_suffix('}')
        .and_then(|end| end.rsplit_once("\"total_count\":")?.1.trim().parse().ok());
    total.ok_or_else(|| target.broken_off(&"it has no `total_count`"))
}

/// Prints the documents of jobs; returns their number.
fn print_jobs(target: &Target, request: &Request, format: ExportFormat) -> Result<u64, Failure> {
    let mut out = std::io::BufWriter::with_capacity(64 << 10, std::io::stdout().lock());
    let written = |source| output_failure("standard output", source);
    let answer = target.send(request)?;
    let mut writer = JobWriter::begin(&mut out, format).map_err(written)?;
    let mut jobs = 0;
    let mut unwritten = None;
    let read = json_rows(answer, &mut |job| {
        jobs += 1;
        writer.write(job).map_err(|error| {
            let problem = error.to_string();
            unwritten = Some(error);
            problem
        })
    });
    match (read, unwritten) {
        (_, Some(error)) => Err(written(error)),
        (Err(error), None) => Err(target.broken_off(&error)),
        (Ok(_), None) => writer.finish().map(|()| jobs).map_err(written),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_has_one_unit() {
        for (millis, expected) in [
            (312_000, "5m"),
            (183_600_000, "2d"),
            (12_999, "12s"),
            (350, "0s"),
            (-5, "0s"),
        ] {
            assert_eq!(age(millis), expected);
        }
    }

    #[test]
    fn the_first_error_says_how_many_there_are() {
        for (errors, expected) in [
            (json!([]), ""),
            (json!([{"error_code": "E", "message": "m\nn"}]), "E: m"),
            (json!([{"message": "m"}, {}, {}]), "m (and 2 more)"),
            (json!([{"error_code": "E"}]), "E"),
            (json!([{}]), ""),
        ] {
            assert_eq!(first_error(&json!({"errors": errors})), expected);
        }
    }

    #[test]
    fn a_sort_key_is_a_key_of_terms() {
        let read = |text| SortKey::parse(text).map(|key| (key.path, key.is_descending));
        assert_eq!(read("-created"), Ok(("created_at".to_owned(), true)));
        assert_eq!(read("filter.zone"), Ok(("filter.zone".to_owned(), false)));
        for wrong in ["", "-", "statsu", "duration", "anywhere", "filter."] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}

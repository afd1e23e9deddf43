//! `show`: prints one job, with what is usual of its collector.

use clap::{Args, ValueEnum};
use jobdeck::route::Route;
use jobdeck::time::Timestamp;
use serde_json::{Map, Value as Json, json};

use super::failure::Failure;
use super::list::{duration, time};
use super::shell::{Access, Request, Target, TargetArgs, one_line, print_lines, span};

/// The most errors that are printed.
const MAX_ERRORS: usize = 20;
/// The most lines of a message that are printed.
const MAX_LINES: usize = 40;

#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// The id of the job
    #[arg(value_name = "JOB")]
    job: String,
    #[command(flatten)]
    target: TargetArgs,
    /// The format of the output
    #[arg(
        long,
        value_name = "FORMAT",
        env = "JOBDECK_SHOW_FORMAT",
        default_value = "text"
    )]
    format: ShowFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ShowFormat {
    /// For people
    Text,
    /// The document of the job
    Json,
}

pub(super) fn show(args: &ShowArgs) -> Result<(), Failure> {
    let target = args.target.open(Access::Read)?;
    let domain = target.domain(args.target.domain.as_deref())?;
    let filter = json!([{"k": "job_id", "v": args.job, "o": "eq"}]);
    let query = members([("filter", filter), ("page", json!({"limit": 1}))]);
    let mut answer = target.json(&Request::search(&domain, &query))?;
    let Some(job) = answer["results"].get_mut(0).map(Json::take) else {
        return Err(Failure::Refused {
            target: target.name(),
            problem: format!("there is no job `{}` in domain `{domain}`", args.job),
        });
    };
    if args.format == ShowFormat::Json {
        return print_lines(&[job.to_string()]);
    }
    let now = target.now(&domain);
    let usual = usual(&target, &domain, &job)?;
    print_lines(&lines(&job, usual.as_ref(), now))
}

fn members<const N: usize>(members: [(&str, Json); N]) -> Map<String, Json> {
    members
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// What is usual of the successes of a collector, in milliseconds.
#[derive(Debug)]
struct Usual {
    runs: i64,
    median: i64,
    p95: i64,
}

/// Returns how long the successes of the job's collector took in the 30 days before it; `None` where there were none.
fn usual(target: &Target, domain: &str, job: &Json) -> Result<Option<Usual>, Failure> {
    /// 30 days, in milliseconds.
    const MONTH: i64 = 30 * 86_400_000;
    let id = &job["collector_info"]["collector_id"];
    let Some(created) = time(&job["created_at"]).filter(|_| id.is_string()) else {
        return Ok(None);
    };
    let since = created.plus_millis(-MONTH).to_string();
    let filter = json!([
        {"k": "collector_id", "v": id, "o": "eq"},
        {"k": "status", "v": "SUCCESS", "o": "eq"},
        {"k": "created_at", "v": since, "o": "datetime_gte"},
        {"k": "created_at", "v": created.to_string(), "o": "datetime_lt"},
    ]);
    let duration = json!({"name": "duration", "operator": "subtract", "fields": ["finished_at", "created_at"]});
    let fields = json!([
        {"name": "runs", "operator": "count"},
        {"name": "median", "operator": "median", "key": "duration"},
        {"name": "p95", "operator": "percentile", "percent": 95, "key": "duration"},
    ]);
    let aggregate = json!([{"project": {"fields": [duration]}}, {"group": {"fields": fields}}]);
    let query = members([("filter", filter), ("aggregate", aggregate)]);
    let answer = target.json(&Request::query(Route::StatWithPercentiles, domain, &query))?;
    let row = &answer["results"][0];
    let number = |name: &str| row[name].as_i64();
    Ok(match (number("runs"), number("median"), number("p95")) {
        (Some(runs), Some(median), Some(p95)) if runs > 0 => Some(Usual { runs, median, p95 }),
        _ => None,
    })
}

fn lines(job: &Json, usual: Option<&Usual>, now: Timestamp) -> Vec<String> {
    let text = |value: &Json| value.as_str().map(one_line).filter(|text| !text.is_empty());
    let collector = &job["collector_info"];
    let name = text(&collector["name"]).or_else(|| text(&collector["collector_id"]));
    let mut lines = vec![sentence(job, name.as_deref(), now)];
    if let Some(Usual { runs, median, p95 }) = usual {
        let name = name.as_deref().unwrap_or("its collector");
        let runs = if *runs == 1 {
            "1 success".to_owned()
        } else {
            format!("{runs} successes")
        };
        lines.push(format!(
            "{name} usually takes {}; 95 % within {} ({runs} in the 30 days before)",
            span(*median),
            span(*p95)
        ));
    }
    lines.extend(errors(job));
    lines.push(String::new());
    let plugin = &collector["plugin_info"];
    let joined = |parts: [Option<String>; 2]| {
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    };
    let id = text(&collector["collector_id"]).map(|id| format!("({id})"));
    let number = |name: &str| job[name].as_i64();
    let tasks = number("total_tasks")
        .filter(|total| *total > 0)
        .map(|total| {
            let remained = number("remained_tasks").unwrap_or_default();
            let done = if remained < 0 {
                "–".to_owned()
            } else {
                (total - remained).max(0).to_string()
            };
            format!("{done} of {total}")
        });
    let filter = Some(&job["filter"])
        .filter(|filter| filter.as_object().is_some_and(|filter| !filter.is_empty()));
    for (label, value) in [
        ("job", text(&job["job_id"])),
        ("domain", text(&job["domain_id"])),
        ("workspace", text(&job["workspace_id"])),
        ("project", text(&job["project_id"])),
        ("collector", joined([text(&collector["name"]), id])),
        ("provider", text(&collector["provider"])),
        (
            "plugin",
            joined([text(&plugin["plugin_id"]), text(&plugin["version"])]),
        ),
        ("tasks", tasks),
        ("filter", filter.map(|filter| one_line(&filter.to_string()))),
        ("created", text(&job["created_at"])),
        ("updated", text(&job["updated_at"])),
        ("finished", text(&job["finished_at"])),
    ] {
        lines.extend(value.map(|value| format!("{label:<10}{value}")));
    }
    lines
}

/// Says in a sentence what became of the job.
fn sentence(job: &Json, collector: Option<&str>, now: Timestamp) -> String {
    let status = job["status"].as_str().unwrap_or_default();
    let took = duration(job, now).map(span);
    let verb = match status {
        "CREATED" => "waits",
        "IN_PROGRESS" => "runs",
        "SUCCESS" => "succeeded",
        "ERROR" => "failed",
        "TIMEOUT" => "timed out",
        "CANCELED" => "was canceled",
        other => other,
    };
    let is_open = matches!(status, "CREATED" | "IN_PROGRESS");
    let took = took.map_or_else(String::new, |took| {
        format!(" {} {took}", if is_open { "since" } else { "after" })
    });
    let end = time(&job["finished_at"]).filter(|_| !is_open);
    let ago = end.map_or_else(String::new, |end| {
        format!(", {} ago", span(now.millis() - end.millis()))
    });
    let name = one_line(job["job_id"].as_str().unwrap_or_default());
    let of = collector.map_or_else(String::new, |collector| format!(" of {collector}"));
    format!("{name}{of} {verb}{took}{ago} ({status})")
}

fn errors(job: &Json) -> Vec<String> {
    let errors = job["errors"].as_array().map_or(&[][..], Vec::as_slice);
    let mut lines = Vec::new();
    for error in errors.iter().take(MAX_ERRORS) {
        let code = error["error_code"]
            .as_str()
            .map(one_line)
            .unwrap_or_default();
        lines.push(String::new());
        lines.push(if code.is_empty() {
            "an error without a code".to_owned()
        } else {
            code
        });
        let message = error["message"].as_str().unwrap_or_default();
        let mut message = message.lines();
        let first = message.by_ref().take(MAX_LINES);
        // The indents of a traceback say what belongs together.
        lines.extend(first.map(|line| {
            let indent = line.len() - line.trim_start_matches(' ').len();
            format!("  {}{}", " ".repeat(indent), one_line(line))
        }));
        let rest = message.count();
        if rest > 0 {
            lines.push(format!("  … and {rest} more lines"));
        }
        if error["additional"]
            .as_object()
            .is_some_and(|additional| !additional.is_empty())
        {
            lines.push(format!("  {}", one_line(&error["additional"].to_string())));
        }
    }
    if errors.len() > MAX_ERRORS {
        lines.push(format!("… and {} more errors", errors.len() - MAX_ERRORS));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_says_what_became_of_a_job() {
        let now = Timestamp::parse_rfc3339("2026-01-01T12:00:00Z").unwrap();
        for (members, expected) in [
            (
                json!({"status": "ERROR", "finished_at": "2026-01-01T10:03:12Z"}),
                "j of nova failed after 3m12s, 1h56m ago (ERROR)",
            ),
            (
                json!({"status": "IN_PROGRESS"}),
                "j of nova runs since 2h (IN_PROGRESS)",
            ),
            (
                json!({"status": "CREATED"}),
                "j of nova waits since 2h (CREATED)",
            ),
            (
                json!({"status": "SUCCESS"}),
                "j of nova succeeded (SUCCESS)",
            ),
            (
                json!({"status": "CANCELED", "finished_at": "2026-01-01T10:00:00Z"}),
                "j of nova was canceled after 0ms, 2h ago (CANCELED)",
            ),
        ] {
            let mut job = members;
            job["job_id"] = json!("j");
            job["created_at"] = json!("2026-01-01T10:00:00Z");
            assert_eq!(sentence(&job, Some("nova"), now), expected);
        }
    }

    #[test]
    fn a_message_is_printed_as_it_is_but_for_control_characters() {
        let job = json!({"errors": [
            {"error_code": "E\u{1b}", "message": "Traceback\n  File \"x\"\u{7}\nend", "additional": {"a": 1}},
            {"message": "x\n".repeat(50)},
        ]});
        let lines = errors(&job);
        assert_eq!(
            lines[..6],
            [
                "",
                "E\u{FFFD}",
                "  Traceback",
                "    File \"x\"\u{FFFD}",
                "  end",
                r#"  {"a":1}"#
            ]
        );
        assert_eq!(lines.last().unwrap(), "  … and 10 more lines");
    }
}

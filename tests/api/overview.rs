//! `GET /jobdeck/overview`: each number equals what a list or a statistic says.

use std::collections::{BTreeMap, BTreeSet};

use jobdeck::clock::Clock;
use jobdeck::time::Timestamp;
use jobdeck::tokens::NewToken;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::app::{Answer, App, Setup, job};

const STATUSES: [&str; 6] = [
    "CREATED",
    "CANCELED",
    "IN_PROGRESS",
    "SUCCESS",
    "ERROR",
    "TIMEOUT",
];
const HOUR: i64 = 3_600_000;

fn time(text: &str) -> i64 {
    Timestamp::parse_rfc3339(text).unwrap().millis()
}

fn text(millis: i64) -> String {
    Timestamp::from_millis(millis).unwrap().to_string()
}

fn millis(job: &Value, member: &str) -> Option<i64> {
    job[member].as_str().map(time)
}

fn overview(app: &App, query: &str) -> Value {
    let answer = app.get(&format!("/jobdeck/overview?{query}"));
    assert_eq!(answer.status, 200, "{query}: {}", answer.text);
    answer.json()
}

/// Jobs of three days before the clock of the tests, with all that an overview counts, always the same.
fn made_up(count: u64) -> String {
    let mut state = 42_u64;
    let mut random = move |below: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let start = time("2022-06-17T12:00:00Z");
    let jobs = (0..count).map(|number| {
        // Some are of the same time.
        let created = start + i64::try_from(random(3 * 24 * 60) * 60_000 + random(2) * 7).unwrap();
        let status = STATUSES[usize::try_from(random(12)).unwrap().min(5).max(usize::from(number % 3 == 0) * 3)];
        let mut job = json!({
            "job_id": format!("job-{:05}-{number}", random(99_999)),
            "domain_id": "d",
            "status": status,
            "created_at": text(created),
            "filter": {"region": format!("r{}", random(3))},
        });
        if !matches!(status, "CREATED" | "IN_PROGRESS") && random(20) > 0 {
            let lasted = i64::try_from(random(3_000_000)).unwrap() - 1_000;
            job["finished_at"] = text(created + lasted).into();
        }
        if random(10) > 0 {
            job["project_id"] = format!("p{}", random(3)).into();
        }
        if random(15) > 0 {
            let collector = random(26);
            let provider = if collector % 2 == 0 { "aws" } else { "azure" };
            job["collector_info"] = json!({"collector_id": format!("c{collector:02}"), "provider": provider});
            if collector > 2 {
                job["collector_info"]["name"] = format!("Name {collector} {}", random(2)).into();
            }
        }
        let errors = if matches!(status, "ERROR" | "TIMEOUT") { random(4) } else { random(9) / 8 };
        // A block does not have so many of a job.
        let errors = if number % 50 == 7 { 70 } else { errors };
        let errors: Vec<Value> = (0..errors)
            .map(|_| match random(5) {
                0 => json!({"error_code": "A", "message": format!("took {} of 'x{number}'", random(99))}),
                1 => json!({"error_code": "B", "message": format!("took {}", random(99))}),
                2 => json!({"error_code": "A"}),
                3 => json!({"message": "no code"}),
                _ => json!({"error_code": format!("C{}", random(60)), "message": "many"}),
            })
            .collect();
        if !errors.is_empty() {
            job["errors"] = errors.into();
        }
        format!("{job}\n")
    });
    jobs.collect()
}

/// Returns the message of a group of the made-up errors.
fn group_message(message: &Value) -> Value {
    match message.as_str() {
        Some(text) if text.starts_with("took") && text.contains('\'') => {
            json!("took <n> of <value>")
        }
        Some(text) if text.starts_with("took") => json!("took <n>"),
        _ => message.clone(),
    }
}

/// Returns the jobs of a list, newest first.
fn listed(app: &App, filter: &Value, from: i64, to: i64) -> Vec<Value> {
    let mut all = filter.as_array().unwrap().clone();
    all.push(json!({"k": "created_at", "v": text(from), "o": "datetime_gte"}));
    all.push(json!({"k": "created_at", "v": text(to), "o": "datetime_lt"}));
    let answer = app.search(&json!({"domain_id": "d", "query": {"filter": all}}));
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["results"].as_array().unwrap().clone()
}

fn duration(job: &Value) -> Option<i64> {
    Some(millis(job, "finished_at")? - millis(job, "created_at")?)
}

fn durations<'j>(jobs: impl IntoIterator<Item = &'j Value>) -> Vec<i64> {
    let mut all: Vec<i64> = jobs.into_iter().filter_map(duration).collect();
    all.sort_unstable();
    all
}

/// The nearest rank.
fn percentile(sorted: &[i64], percent: usize) -> Value {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted
        .get(rank - 1)
        .map_or(Value::Null, |millis| json!(millis))
}

fn statuses<'j>(jobs: impl IntoIterator<Item = &'j Value>) -> Value {
    let mut counts: BTreeMap<&str, u64> = STATUSES.into_iter().map(|status| (status, 0)).collect();
    for job in jobs {
        *counts.get_mut(job["status"].as_str().unwrap()).unwrap() += 1;
    }
    json!(counts)
}

fn has_status(job: &Value, wanted: &[&str]) -> bool {
    wanted.contains(&job["status"].as_str().unwrap())
}

const FAILED: [&str; 2] = ["ERROR", "TIMEOUT"];
const ENDED: [&str; 4] = ["SUCCESS", "ERROR", "TIMEOUT", "CANCELED"];

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn share(part: usize, all: usize) -> Value {
    if all == 0 {
        Value::Null
    } else {
        json!(part as f64 / all as f64)
    }
}

fn count(jobs: &[&Value], wanted: &[&str]) -> usize {
    jobs.iter().filter(|job| has_status(job, wanted)).count()
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn totals(jobs: &[&Value]) -> Value {
    let sorted = durations(jobs.iter().copied());
    let sum: i64 = sorted.iter().sum();
    let average = if sorted.is_empty() {
        Value::Null
    } else {
        json!(sum as f64 / sorted.len() as f64)
    };
    json!({
        "jobs": jobs.len(),
        "statuses": statuses(jobs.iter().copied()),
        "failed": count(jobs, &FAILED),
        "success_rate": share(count(jobs, &["SUCCESS"]), count(jobs, &ENDED)),
        "durations": {
            "count": sorted.len(), "average": average, "median": percentile(&sorted, 50), "p90": percentile(&sorted, 90),
            "p95": percentile(&sorted, 95), "p99": percentile(&sorted, 99), "max": percentile(&sorted, 100),
        },
    })
}

fn buckets(jobs: &[&Value], from: i64, to: i64, length: i64) -> Vec<(i64, i64, Value)> {
    let mut made = Vec::new();
    let mut start = from.div_euclid(length) * length;
    while start < to {
        let (first, end) = (start.max(from), (start + length).min(to));
        let of_bucket = |job: &&&Value| (first..end).contains(&millis(job, "created_at").unwrap());
        let of_bucket: Vec<&Value> = jobs.iter().filter(of_bucket).copied().collect();
        let sorted = durations(of_bucket.iter().copied());
        let bucket = json!({
            "start": text(first),
            "end": text(end),
            "is_part": end - first < length,
            "statuses": statuses(of_bucket),
            "durations": {"count": sorted.len(), "median": percentile(&sorted, 50), "p95": percentile(&sorted, 95)},
        });
        made.push((first, end, bucket));
        start += length;
    }
    made
}

fn usual(jobs: &[&Value]) -> Value {
    let sorted = durations(jobs.iter().copied());
    if sorted.len() < 5 {
        return Value::Null;
    }
    json!({"median": percentile(&sorted, 50), "p95": percentile(&sorted, 95)})
}

/// What is usual of a collector: by `jobs`, and by the newest successes of `everything` where these are too few.
fn usual_of(collector_id: &Value, jobs: &[&Value], everything: &[Value]) -> Value {
    let usual_of_jobs = usual(jobs);
    if !usual_of_jobs.is_null() {
        return usual_of_jobs;
    }
    let successes = everything.iter().filter(|job| {
        job["collector_info"]["collector_id"] == *collector_id
            && has_status(job, &["SUCCESS"])
            && !job["finished_at"].is_null()
    });
    usual(&successes.take(30).collect::<Vec<_>>())
}

/// The newest 30 jobs of each status, where all are the newest first; these are, too.
fn newest_of_each_status<'j>(jobs: &[&'j Value]) -> Vec<&'j Value> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut newest = Vec::new();
    for job in jobs {
        let count = counts.entry(job["status"].as_str().unwrap()).or_default();
        *count += 1;
        if *count <= 30 {
            newest.push(*job);
        }
    }
    newest
}

fn is_flaky(runs: &[&Value]) -> bool {
    let ended: Vec<_> = runs
        .iter()
        .filter(|run| has_status(run, &["SUCCESS", "ERROR", "TIMEOUT"]))
        .map(|run| has_status(run, &["SUCCESS"]))
        .collect();
    let changes = ended.windows(2).filter(|pair| pair[0] != pair[1]).count();
    ended.len() >= 10 && 3 * changes >= ended.len() - 1
}

/// How long the successes among jobs took.
fn successes(jobs: &[&Value]) -> Value {
    let succeeded = jobs.iter().filter(|job| has_status(job, &["SUCCESS"]));
    let sorted = durations(succeeded.copied());
    json!({"count": sorted.len(), "median": percentile(&sorted, 50), "p95": percentile(&sorted, 95)})
}

/// `both` has the jobs of both periods, `earlier` those from before that count, and `everything` all; the newest first. So many
/// collectors are answered.
fn collectors(
    both: &[&Value],
    earlier: &[&Value],
    everything: &[Value],
    from: i64,
    answered: usize,
) -> Value {
    let ids: BTreeSet<&str> = both
        .iter()
        .filter_map(|job| job["collector_info"]["collector_id"].as_str())
        .collect();
    let mut all: Vec<(usize, usize, Value)> = Vec::new();
    for id in ids {
        let is_of_collector = |job: &&&Value| job["collector_info"]["collector_id"] == id;
        let jobs: Vec<&Value> = both.iter().filter(is_of_collector).copied().collect();
        let before: Vec<&Value> = earlier.iter().filter(is_of_collector).copied().collect();
        let noted = [jobs.clone(), newest_of_each_status(&before)].concat();
        let (current, previous): (Vec<&Value>, Vec<&Value>) = jobs
            .iter()
            .partition(|job| millis(job, "created_at").unwrap() >= from);
        let (runs, failed) = (count(&current, &ENDED), count(&current, &FAILED));
        if runs == 0 {
            continue;
        }
        let last = |wanted: &[&str]| {
            let last = noted.iter().find(|job| has_status(job, wanted));
            last.map_or(
                Value::Null,
                |job| json!({"job_id": job["job_id"], "created_at": job["created_at"]}),
            )
        };
        let success = noted
            .iter()
            .find(|job| has_status(job, &["SUCCESS"]))
            .and_then(|job| millis(job, "created_at"));
        let everything_before: Vec<&Value> = [jobs.clone(), before.clone()].concat();
        let streak: Vec<&Value> = everything_before
            .into_iter()
            .filter(|job| {
                has_status(job, &FAILED)
                    && success.is_none_or(|success| millis(job, "created_at").unwrap() > success)
            })
            .collect();
        let last_runs = &noted[..noted.len().min(30)];
        let collector = json!({
            "collector_id": id,
            "name": jobs[0]["collector_info"]["name"],
            "runs": runs,
            "failed": failed,
            "rate": share(failed, runs),
            "streak": streak.len(),
            "streak_since": streak.last().map(|job| &job["created_at"]),
            "is_flaky": is_flaky(last_runs),
            "last_success": last(&["SUCCESS"]),
            "last_failure": last(&FAILED),
            "usual": usual_of(&json!(id), &jobs, everything),
            "successes": successes(&current),
            "previous": {
                "runs": count(&previous, &ENDED), "failed": count(&previous, &FAILED), "successes": successes(&previous),
            },
            "last_runs": last_runs.iter().map(|job| json!({
                "job_id": job["job_id"], "status": job["status"], "created_at": job["created_at"], "duration": duration(job),
            })).collect::<Vec<_>>(),
        });
        all.push((failed, runs, collector));
    }
    all.sort_by(|one, other| (other.0, other.0 * one.1).cmp(&(one.0, one.0 * other.1)));
    let more = all.len().saturating_sub(answered);
    let results: Vec<Value> = all
        .into_iter()
        .take(answered)
        .map(|(.., collector)| collector)
        .collect();
    json!({"results": results, "more": more})
}

/// What is compared of the groups of errors: everything but the examples, which a test of its own looks at.
fn errors(jobs: &[&Value], buckets: &[(i64, i64, Value)]) -> Value {
    /// The number of the job, when it was created, and its collector.
    type Seen = (usize, i64, Value);
    let mut groups: BTreeMap<(String, String), Vec<Seen>> = BTreeMap::new();
    for (number, job) in jobs.iter().enumerate() {
        let created = millis(job, "created_at").unwrap();
        for error in job["errors"].as_array().into_iter().flatten() {
            let key = (
                error["error_code"].to_string(),
                group_message(&error["message"]).to_string(),
            );
            groups.entry(key).or_default().push((
                number,
                created,
                job["collector_info"]["collector_id"].clone(),
            ));
        }
    }
    let mut results: Vec<_> = groups
        .into_iter()
        .map(|((code, message), errors)| {
            let jobs: BTreeSet<_> = errors.iter().map(|(job, ..)| job).collect();
            let collectors: BTreeSet<_> = errors
                .iter()
                .filter_map(|(.., collector)| collector.as_str())
                .collect();
            let counts: Vec<_> = buckets
                .iter()
                .map(|(start, end, _)| {
                    errors
                        .iter()
                        .filter(|(_, at, _)| (start..end).contains(&at))
                        .count()
                })
                .collect();
            let last = errors.iter().map(|(_, at, _)| *at).max().unwrap();
            let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
            let group = json!({
                "error_code": value(&code),
                "message": value(&message),
                "errors": errors.len(),
                "jobs": jobs.len(),
                "collectors": collectors.len(),
                "first_seen": text(errors.iter().map(|(_, at, _)| *at).min().unwrap()),
                "last_seen": text(last),
                "counts": counts,
            });
            ((jobs.len(), errors.len(), last), group)
        })
        .collect();
    // Null before texts, and texts by their bytes; in the keys above `"` comes before `n`.
    results.sort_by_key(|(_, group)| {
        (
            group["error_code"].as_str().map(str::to_owned),
            group["message"].as_str().map(str::to_owned),
        )
    });
    results.sort_by(|(one, _), (other, _)| other.cmp(one));
    let more = results.len().saturating_sub(50);
    let results: Vec<Value> = results
        .into_iter()
        .take(50)
        .map(|(_, group)| group)
        .collect();
    json!({"results": results, "more": more, "ungrouped": 0})
}

/// `everything` has all jobs, and `all` those that pass the filter, of all times; the newest first.
fn running(everything: &[Value], all: &[&Value], both: &[&Value], now: i64) -> (Value, Value) {
    let described = |job: &&Value| {
        let id = &job["collector_info"]["collector_id"];
        let jobs: Vec<&Value> = both
            .iter()
            .filter(|other| other["collector_info"]["collector_id"] == *id)
            .copied()
            .collect();
        let usual = match id {
            Value::Null => Value::Null,
            id => usual_of(id, &jobs, everything),
        };
        json!({
            "job_id": job["job_id"],
            "collector_id": id,
            "name": job["collector_info"]["name"],
            "since": job["created_at"],
            "usual": usual,
        })
    };
    let running: Vec<Value> = all
        .iter()
        .filter(|job| has_status(job, &["IN_PROGRESS"]))
        .map(described)
        .collect();
    let is_stuck = |job: &&Value| {
        let p95 = job["usual"]["p95"].as_i64();
        p95.is_some_and(|p95| now - time(job["since"].as_str().unwrap()) > p95)
    };
    let stuck: Vec<Value> = running.iter().filter(is_stuck).rev().cloned().collect();
    let info = |jobs: &[Value]| json!({"count": jobs.len(), "jobs": jobs[..jobs.len().min(20)]});
    (info(&running), info(&stuck))
}

/// Takes the examples out of the groups of errors.
fn without_examples(mut overview: Value) -> (Value, Vec<Value>) {
    let groups = overview["errors"]["results"].as_array_mut().unwrap();
    let examples = groups.iter_mut().map(|group| {
        group
            .as_object_mut()
            .unwrap()
            .shift_remove("example")
            .unwrap()
    });
    let examples = examples.collect();
    (overview, examples)
}

fn query(filter: &Value) -> String {
    utf8_percent_encode(&json!({"filter": filter}).to_string(), NON_ALPHANUMERIC).to_string()
}

/// Query strings, each with the conditions of the same jobs, and the period and the length of buckets that it has.
fn cases(end: i64) -> Vec<(String, Value, (i64, i64, i64))> {
    let day = |to: i64| (to - 24 * HOUR, to, HOUR / 2);
    let equals = |key: &str, value: &str| json!([{"k": key, "v": value, "o": "eq"}]);
    let of_region = equals("filter.region", "r1");
    let of_code = equals("errors.error_code", "A");
    let of_provider = equals("collector_info.provider", "aws");
    vec![
        (String::new(), json!([]), day(end)),
        (
            "&bucket=6h".to_owned(),
            json!([]),
            (end - 24 * HOUR, end, 6 * HOUR),
        ),
        (
            "&from=2022-06-19T00:00:00Z&to=2022-06-20T07:30:00Z&bucket=1h".to_owned(),
            json!([]),
            (
                time("2022-06-19T00:00:00Z"),
                time("2022-06-20T07:30:00Z"),
                HOUR,
            ),
        ),
        (
            "&from=now-36h&bucket=5h".to_owned(),
            json!([]),
            (end - 36 * HOUR, end, 5 * HOUR),
        ),
        ("&collectors=1".to_owned(), json!([]), day(end)),
        ("&collectors=500".to_owned(), json!([]), day(end)),
        (
            "&status=ERROR".to_owned(),
            equals("status", "ERROR"),
            day(end),
        ),
        (
            "&status=IN_PROGRESS".to_owned(),
            equals("status", "IN_PROGRESS"),
            day(end),
        ),
        (
            "&collector_id=c03".to_owned(),
            equals("collector_id", "c03"),
            day(end),
        ),
        (
            "&project_id=p1".to_owned(),
            equals("project_id", "p1"),
            day(end),
        ),
        (
            "&query.keyword=-7".to_owned(),
            json!([{"k": "job_id", "v": "-7", "o": "contain"}]),
            day(end),
        ),
        (format!("&query={}", query(&of_code)), of_code, day(end)),
        (
            format!("&query={}", query(&of_provider)),
            of_provider,
            day(end),
        ),
        // Only a statement can decide it.
        (format!("&query={}", query(&of_region)), of_region, day(end)),
        (
            "&query[filter][0][k]=filter.region&query[filter][0][v]=none&query[filter][0][o]=eq"
                .to_owned(),
            equals("filter.region", "none"),
            day(end),
        ),
    ]
}

#[test]
fn every_number_is_that_of_the_list() {
    let app = App::with_jobs(made_up(1_500));
    let now = time("2022-06-20T12:00:00Z");
    let end = now + 60_000;
    let everything = listed(&app, &json!([]), 0, time("2100-01-01T00:00:00Z"));
    for (text_of, filter, (from, to, length)) in cases(end) {
        let (found, examples) = without_examples(overview(&app, &format!("domain_id=d{text_of}")));
        let previous = from - (to - from);
        let all = listed(&app, &filter, 0, time("2100-01-01T00:00:00Z"));
        let all: Vec<&Value> = all.iter().collect();
        let within = |from: i64, to: i64| {
            let is_within =
                |job: &&&Value| (from..to).contains(&millis(job, "created_at").unwrap());
            all.iter().filter(is_within).copied().collect::<Vec<_>>()
        };
        assert_eq!(
            within(previous, to).len(),
            listed(&app, &filter, previous, to).len()
        );
        let (current, both) = (within(from, to), within(previous, to));
        let answered = text_of
            .strip_prefix("&collectors=")
            .map_or(20, |count| count.parse().unwrap());
        let is_of_collectors = |condition: &Value| condition["k"] == "collector_id";
        let earlier = if filter.as_array().unwrap().iter().all(is_of_collectors) {
            within(0, previous)
        } else {
            Vec::new()
        };
        let buckets = buckets(&current, from, to, length);
        let (running, stuck) = running(&everything, &all, &both, now);
        let expected = json!({
            "from": text(from),
            "to": text(to),
            "bucket": found["bucket"],
            "totals": totals(&current),
            "previous": {"from": text(previous), "to": text(from), "totals": totals(&within(previous, from))},
            "buckets": buckets.iter().map(|(.., bucket)| bucket).collect::<Vec<_>>(),
            "running": running,
            "stuck": stuck,
            "collectors": collectors(&both, &earlier, &everything, from, answered),
            "errors": errors(&current, &buckets),
        });
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(found[name], *value, "{name} of {text_of}");
        }
        assert_eq!(
            found.as_object().unwrap().len(),
            expected.as_object().unwrap().len()
        );
        check_examples(&current, &found["errors"]["results"], &examples);
        if text_of.is_empty() {
            check_is_rich(&found);
        }
    }
}

/// The made-up jobs have what the rules are about.
fn check_is_rich(overview: &Value) {
    let has = |name: &str, is_wanted: &dyn Fn(&Value) -> bool| {
        let all = overview["collectors"]["results"].as_array().unwrap();
        assert!(all.iter().any(is_wanted), "{name}");
    };
    has("flaky", &|collector| collector["is_flaky"] == true);
    has("not flaky", &|collector| collector["is_flaky"] == false);
    has("streak", &|collector| {
        collector["streak"].as_u64() > Some(1)
    });
    has("name", &|collector| collector["name"].is_string());
    has("no name", &|collector| collector["name"].is_null());
    has("all runs", &|collector| {
        collector["last_runs"].as_array().unwrap().len() == 30
    });
    for name in ["collectors", "errors"] {
        assert_ne!(overview[name]["more"], 0, "{name}");
    }
    for name in ["running", "stuck"] {
        assert!(overview[name]["count"].as_u64() > Some(20), "{name}");
    }
}

/// An example is an error of the group, of the newest of its jobs.
fn check_examples(jobs: &[&Value], groups: &Value, examples: &[Value]) {
    for (group, example) in groups.as_array().unwrap().iter().zip(examples) {
        let job = jobs
            .iter()
            .find(|job| job["job_id"] == example["job_id"])
            .unwrap();
        assert_eq!(job["created_at"], group["last_seen"], "{group}");
        let is_it = |error: &Value| {
            error["message"] == example["message"] && error["error_code"] == group["error_code"]
        };
        assert!(
            job["errors"].as_array().unwrap().iter().any(is_it),
            "{example} of {group}"
        );
        assert_eq!(group_message(&example["message"]), group["message"]);
    }
}

#[test]
fn every_number_is_that_of_the_statistic() {
    let app = App::with_jobs(made_up(600));
    let found = overview(
        &app,
        "domain_id=d&from=2022-06-18T00:00:00Z&to=2022-06-20T00:00:00Z&bucket=1d",
    );
    let stat = |stages: Value| {
        let filter = json!([
            {"k": "created_at", "v": "2022-06-18T00:00:00Z", "o": "datetime_gte"},
            {"k": "created_at", "v": "2022-06-20T00:00:00Z", "o": "datetime_lt"}
        ]);
        let answer =
            app.stat(&json!({"domain_id": "d", "query": {"filter": filter, "aggregate": stages}}));
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["results"].as_array().unwrap().clone()
    };
    let count = json!([{"name": "jobs", "operator": "count"}]);
    let by_status =
        stat(json!([{"group": {"keys": [{"key": "status", "name": "status"}], "fields": count}}]));
    assert_eq!(by_status.len(), 6);
    for row in by_status {
        assert_eq!(
            found["totals"]["statuses"][row["status"].as_str().unwrap()],
            row["jobs"],
            "{row}"
        );
    }
    let keys = json!([
        {"key": "created_at", "name": "day", "date_format": "%Y-%m-%d"}, {"key": "status", "name": "status"}
    ]);
    for row in stat(json!([{"group": {"keys": keys, "fields": count}}])) {
        let start = format!("{}T00:00:00.000Z", row["day"].as_str().unwrap());
        let buckets = found["buckets"].as_array().unwrap();
        let bucket = buckets
            .iter()
            .find(|bucket| bucket["start"] == *start)
            .unwrap();
        assert_eq!(
            bucket["statuses"][row["status"].as_str().unwrap()],
            row["jobs"],
            "{row}"
        );
    }
    let lasted = json!({"project": {"fields": [
        {"name": "millis", "operator": "subtract", "fields": ["finished_at", "created_at"]}
    ]}});
    let average = json!({"group": {"keys": [], "fields": [
        {"name": "average", "operator": "average", "key": "millis"}, {"name": "max", "operator": "max", "key": "millis"}
    ]}});
    let row = &stat(json!([lasted, average]))[0];
    let difference = row["average"].as_f64().unwrap()
        - found["totals"]["durations"]["average"].as_f64().unwrap();
    assert!(difference.abs() < 1e-6, "{row}");
    assert_eq!(row["max"], found["totals"]["durations"]["max"]);
    let codes = stat(json!([
        {"unwind": {"path": "errors"}},
        {"group": {"keys": [{"key": "errors.error_code", "name": "code"}], "fields": [{"name": "errors", "operator": "count"}]}}
    ]));
    let groups = found["errors"]["results"].as_array().unwrap();
    assert!(codes.len() > 10, "{codes:?}");
    let errors = |code: &Value| -> u64 {
        let of_code = groups.iter().filter(|group| group["error_code"] == *code);
        of_code.map(|group| group["errors"].as_u64().unwrap()).sum()
    };
    for code in [json!("A"), json!("B"), Value::Null] {
        let row = codes.iter().find(|row| row["code"] == code).unwrap();
        assert_eq!(row["errors"], errors(&code), "{row}");
    }
}

#[test]
fn without_jobs_all_is_nothing() {
    let app = App::with_jobs(job("a", "e", ""));
    for domain in ["none", "e"] {
        let found = overview(&app, &format!("domain_id={domain}&bucket=12h"));
        for totals in [&found["totals"], &found["previous"]["totals"]] {
            assert_eq!(totals["jobs"], 0);
            assert_eq!(totals["success_rate"], Value::Null);
            let durations = totals["durations"].as_object().unwrap();
            assert!(durations.iter().all(|(name, value)| if name == "count" {
                value == 0
            } else {
                value.is_null()
            }));
        }
        assert_eq!(found["buckets"].as_array().unwrap().len(), 3);
        for name in ["running", "stuck"] {
            assert_eq!(found[name], json!({"count": 0, "jobs": []}));
        }
        assert_eq!(found["collectors"], json!({"results": [], "more": 0}));
        assert_eq!(
            found["errors"],
            json!({"results": [], "more": 0, "ungrouped": 0})
        );
    }
}

#[test]
fn a_period_begins_with_its_first_millisecond_and_ends_before_its_end() {
    let jobs = [
        ("before-previous", "2022-06-16T23:59:59.999Z"),
        ("previous-first", "2022-06-17T00:00:00Z"),
        ("previous-last", "2022-06-17T05:59:59.999Z"),
        ("first", "2022-06-17T06:00:00Z"),
        ("last-of-bucket", "2022-06-17T07:59:59.999Z"),
        ("first-of-bucket", "2022-06-17T08:00:00Z"),
        ("last", "2022-06-17T11:59:59.999Z"),
        ("after", "2022-06-17T12:00:00Z"),
    ];
    let jobs = jobs.map(|(id, created)| job(id, "d", "").replace("2022-06-17T08:00:00Z", created));
    let app = App::with_jobs(jobs.concat());
    let found = overview(
        &app,
        "domain_id=d&from=2022-06-17T06:00:00Z&to=2022-06-17T12:00:00Z&bucket=4h",
    );
    assert_eq!(found["totals"]["jobs"], 4);
    assert_eq!(found["previous"]["totals"]["jobs"], 2);
    let buckets = found["buckets"].as_array().unwrap();
    let shown: Vec<_> = buckets
        .iter()
        .map(|bucket| {
            (
                bucket["start"].as_str().unwrap(),
                bucket["is_part"] == true,
                bucket["statuses"]["CREATED"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("2022-06-17T06:00:00.000Z", true, 2),
            ("2022-06-17T08:00:00.000Z", false, 2)
        ]
    );
    // What was created this minute is counted, and the zone of a time does not matter.
    for range in [
        "from=2022-06-17T08:00:00.000Z&to=2022-06-17T08:00:00.001Z",
        "from=2022-06-17T17%3A00%3A00%2B09%3A00&to=2022-06-17T08:00:00.001Z",
    ] {
        assert_eq!(
            overview(&app, &format!("domain_id=d&{range}"))["totals"]["jobs"],
            1,
            "{range}"
        );
    }
    let app =
        App::with_jobs(job("now", "d", "").replace("2022-06-17T08:00:00Z", "2022-06-20T12:00:00Z"));
    let found = overview(&app, "domain_id=d");
    assert_eq!(
        (&found["to"], &found["totals"]["jobs"]),
        (&json!("2022-06-20T12:01:00.000Z"), &json!(1))
    );
    for (range, from, to) in [
        (
            "to=now",
            "2022-06-19T12:01:00.000Z",
            "2022-06-20T12:01:00.000Z",
        ),
        (
            "from=now/d",
            "2022-06-20T00:00:00.000Z",
            "2022-06-20T12:01:00.000Z",
        ),
        (
            "from=now/w-7d&to=now/w",
            "2022-06-13T00:00:00.000Z",
            "2022-06-20T00:00:00.000Z",
        ),
        (
            "to=2022-06-01",
            "2022-05-31T00:00:00.000Z",
            "2022-06-01T00:00:00.000Z",
        ),
    ] {
        let found = overview(&app, &format!("domain_id=d&{range}"));
        assert_eq!(
            (&found["from"], &found["to"]),
            (&json!(from), &json!(to)),
            "{range}"
        );
    }
}

/// A job of a collector that began so many minutes before the clock of the tests, and took so many.
fn run(id: &str, collector: &str, began: i64, took: Option<i64>) -> String {
    let created = time("2022-06-20T12:00:00Z") - began * 60_000;
    let mut job = json!({
        "job_id": id,
        "domain_id": "d",
        "status": if took.is_some() { "SUCCESS" } else { "IN_PROGRESS" },
        "created_at": text(created),
        "collector_info": {"collector_id": collector, "name": collector.to_uppercase()},
    });
    if let Some(took) = took {
        job["finished_at"] = text(created + took * 60_000).into();
    }
    format!("{job}\n")
}

#[test]
fn a_job_is_stuck_where_it_runs_longer_than_usual() {
    let mut jobs = String::new();
    for number in 0..5 {
        jobs += &run(&format!("a{number}"), "a", 600 + number, Some(10));
        // One run fewer has no usual duration.
        if number > 0 {
            jobs += &run(&format!("b{number}"), "b", 600 + number, Some(10));
        }
    }
    jobs += &run("at-p95", "a", 10, None);
    jobs += &run("past-p95", "a", 11, None);
    jobs += &run("long-ago", "a", 100_000, None);
    jobs += &run("not-usual", "b", 100_000, None);
    jobs += &run("ended", "a", 500, Some(1));
    let app = App::with_jobs(jobs);
    let ids = |jobs: &Value| -> Vec<String> {
        let jobs = jobs["jobs"].as_array().unwrap().iter();
        jobs.map(|job| job["job_id"].as_str().unwrap().to_owned())
            .collect()
    };
    let found = overview(&app, "domain_id=d");
    assert_eq!(
        ids(&found["running"]),
        ["at-p95", "past-p95", "long-ago", "not-usual"]
    );
    assert_eq!(ids(&found["stuck"]), ["long-ago", "past-p95"]);
    assert_eq!(
        found["stuck"]["jobs"][1],
        json!({
            "job_id": "past-p95", "collector_id": "a", "name": "A", "since": "2022-06-20T11:49:00.000Z",
            "usual": {"median": 600_000, "p95": 600_000}
        })
    );
    assert_eq!(found["running"]["jobs"][3]["usual"], Value::Null);
    // Where the two periods have too few runs, the newest successes of all times say what is usual.
    let found = overview(&app, "domain_id=d&from=2022-06-20T11:00:00Z");
    assert_eq!(found["running"]["count"], 4);
    assert_eq!(ids(&found["stuck"]), ["long-ago", "past-p95"]);
    // Other filters hold.
    let found = overview(&app, "domain_id=d&collector_id=b");
    assert_eq!(
        (&found["running"]["count"], &found["stuck"]["count"]),
        (&json!(1), &json!(0))
    );
}

#[test]
fn the_last_runs_of_a_collector_may_be_older_than_the_two_periods() {
    let ended = |collector: &str, hours: i64, status: &str| {
        let id = format!("{collector}-{hours}");
        run(&id, collector, hours * 60, Some(10)).replace("SUCCESS", status)
    };
    let mut jobs = ended("failing", 1, "ERROR") + &ended("failing", 30, "TIMEOUT");
    for number in 0..40 {
        jobs += &ended("failing", 50 + number, "ERROR");
    }
    jobs += &ended("failing", 1000, "SUCCESS");
    jobs += &ended("changing", 1, "SUCCESS");
    for number in 1..=12 {
        let status = if number % 2 == 0 { "SUCCESS" } else { "ERROR" };
        jobs += &ended("changing", 100 * number, status);
    }
    let app = App::with_jobs(jobs);
    let of = |query: &str, collector: &str| -> Value {
        let found = overview(&app, &format!("domain_id=d{query}"));
        let all = found["collectors"]["results"].as_array().unwrap();
        let one = all.iter().find(|one| one["collector_id"] == collector);
        one.unwrap().clone()
    };
    let ids = |collector: &Value| -> Vec<String> {
        let runs = collector["last_runs"].as_array().unwrap().iter();
        runs.map(|run| run["job_id"].as_str().unwrap().to_owned())
            .collect()
    };
    let of_two = query(&json!([{"k": "collector_id", "v": ["failing", "none"], "o": "in"}]));
    for query in ["", "&collector_id=failing", &format!("&query={of_two}")] {
        let failing = of(query, "failing");
        // No number of a period counts what is older.
        assert_eq!(
            (&failing["runs"], &failing["failed"]),
            (&json!(1), &json!(1))
        );
        assert_eq!(failing["previous"]["runs"], 1);
        let expected = [1, 30].into_iter().chain(50..78);
        let expected: Vec<_> = expected.map(|hours| format!("failing-{hours}")).collect();
        assert_eq!(ids(&failing), expected, "{query}");
        assert_eq!(failing["streak"], 42, "{query}");
        let first = text(time("2022-06-20T12:00:00Z") - 89 * HOUR);
        assert_eq!(failing["streak_since"], first, "{query}");
        assert_eq!(failing["last_success"]["job_id"], "failing-1000", "{query}");
        assert_eq!(failing["is_flaky"], false);
        assert_eq!(failing["usual"], Value::Null);
    }
    let changing = of("", "changing");
    assert_eq!(ids(&changing).len(), 13);
    assert_eq!(
        (&changing["is_flaky"], &changing["streak"]),
        (&json!(true), &json!(0))
    );
    assert_eq!(changing["last_failure"]["job_id"], "changing-100");
    assert_eq!(
        changing["usual"],
        json!({"median": 600_000, "p95": 600_000})
    );
    // With another filter, nearly all of the older jobs might have to be read.
    let failing = of("&status=ERROR", "failing");
    assert_eq!(ids(&failing), ["failing-1"]);
    assert_eq!(
        (&failing["streak"], &failing["last_success"]),
        (&json!(1), &Value::Null)
    );
    // They end where the period does.
    let failing = of("&to=2022-06-19T00:00:00Z", "failing");
    assert_eq!(
        ids(&failing).first().map(String::as_str),
        Some("failing-50")
    );
}

#[test]
fn only_some_of_the_running_jobs_are_listed() {
    let ended: String = (0..5)
        .map(|number| run(&format!("e{number}"), "a", 100, Some(1)))
        .collect();
    let running: String = (0..30)
        .map(|number| run(&format!("r{number:02}"), "a", number, None))
        .collect();
    let found = overview(&App::with_jobs(ended + &running), "domain_id=d");
    for (name, count, first, last) in [("running", 30, "r00", "r19"), ("stuck", 28, "r29", "r10")] {
        let jobs = found[name]["jobs"].as_array().unwrap();
        assert_eq!(
            (&found[name]["count"], jobs.len()),
            (&json!(count), 20),
            "{name}"
        );
        assert_eq!(
            (&jobs[0]["job_id"], &jobs[19]["job_id"]),
            (&json!(first), &json!(last))
        );
    }
}

#[test]
fn too_many_collectors_are_refused() {
    let jobs: String = (0..=10_000)
        .map(|number| {
            job(
                &format!("j{number}"),
                "d",
                &format!("\"collector_info\":{{\"collector_id\":\"c{number}\"}}"),
            )
        })
        .collect();
    let app = App::with_jobs(jobs);
    let answer = app.get("/jobdeck/overview?domain_id=d&from=2022-06-17T00:00:00Z");
    assert_eq!(
        answer.error(),
        "400 ERROR_DB_QUERY: query: the jobs of the two periods have more than 10000 collectors, the most of an overview; \
         narrow the filter or the period"
    );
    let found = overview(
        &app,
        "domain_id=d&from=2022-06-17T00:00:00Z&query.keyword=j99",
    );
    assert_eq!(found["totals"]["jobs"], 111);
}

#[test]
fn wrong_parameters_are_named() {
    let app = App::with_jobs("");
    let not_a_time = |name: &str, text: &str| {
        format!(
            "{name}: expected a time such as 2022-06-17T08:00:00Z, or one such as `now - 7d`, found `{text}`"
        )
    };
    let many =
        |number: &str| format!("collectors: expected a number from 1 to 500, found {number}");
    let no_list = |name: &str| {
        format!("{name}: an overview counts jobs and does not list them; leave it out")
    };
    for (query, expected) in [
        ("from=", "from: must not be empty; leave it out instead".to_owned()),
        ("to=soon", not_a_time("to", "soon")),
        ("from=now-7", not_a_time("from", "now-7")),
        ("from=06/07/2022", not_a_time("from", "06/07/2022")),
        (
            "from=2022-06-17T08:00:00Z&to=2022-06-17T08:00:00Z",
            "from: 2022-06-17T08:00:00.000Z is not before `to`, which is 2022-06-17T08:00:00.000Z".to_owned(),
        ),
        (
            "from=2023-01-01T00:00:00Z",
            "from: 2023-01-01T00:00:00.000Z is not before `to`, which is 2022-06-20T12:01:00.000Z".to_owned(),
        ),
        (
            "bucket=1s",
            "bucket: expected a length such as 15m, 6h or 1d: digits and one of m h d w, more than 0; found `1s`".to_owned(),
        ),
        (
            "bucket=1m",
            "bucket: 1m makes 1440 buckets of this period, at most 1000 are allowed; 5m would do".to_owned(),
        ),
        ("collectors=0", many("0")),
        ("collectors=501", many("501")),
        (
            "collectors=all",
            "collectors: expected an integer of 0 or more, found `all`".to_owned(),
        ),
        ("buckets=1h", "buckets: unknown parameter `buckets`; did you mean `bucket`?".to_owned()),
        ("query.page.limit=10", no_list("query.page")),
        ("query.sort.key=status", no_list("query.sort")),
        ("query.only=status", no_list("query.only")),
        ("query.minimal=true", no_list("query.minimal")),
        ("query.count_only=true", no_list("query.count_only")),
    ] {
        let answer = app.get(&format!("/jobdeck/overview?domain_id=d&{query}"));
        assert_eq!(answer.error(), format!("400 ERROR_INVALID_PARAMETER: {expected}"), "{query}");
    }
    for (query, expected) in [
        (
            "",
            "400 ERROR_REQUIRED_PARAMETER: Required parameter. (key = domain_id)",
        ),
        (
            "domain_id=d&from=now&from=now",
            "400 ERROR_INVALID_PARAMETER: from: ",
        ),
        ("domain_id=d&status=FAILED", "400 ERROR_INVALID_PARAMETER"),
        (
            "domain_id=d&query[filter][0][k]=stauts&query[filter][0][v]=1&query[filter][0][o]=eq",
            "400 ERROR_DB_QUERY: query[filter][0][k]: unknown field `stauts`; did you mean `status`?",
        ),
    ] {
        let error = app.get(&format!("/jobdeck/overview?{query}")).error();
        assert!(error.starts_with(expected), "{query}: {error}");
    }
}

fn get_known(app: &App, path: &str, known: &str) -> Answer {
    app.send("GET", path, &[("if-none-match", known)], None)
}

#[test]
fn an_answer_is_not_sent_again_within_a_minute_unless_something_is_written() {
    let at = |text: &str| Timestamp::parse_rfc3339(text).unwrap();
    // This clock does not reach the next minute while the test runs.
    let clock = Clock::running_from(at("2022-06-20T12:00:01Z"));
    let app = App::serve(Setup {
        jobs: job("a", "d", ""),
        clock,
        is_writable: true,
        ..Setup::default()
    });
    let path = "/jobdeck/overview?domain_id=d";
    let first = app.get(path);
    assert_eq!(first.header("cache-control"), Some("no-cache"));
    let known = first.header("etag").unwrap().to_owned();
    let again = get_known(&app, path, &known);
    assert_eq!((again.status, again.text.as_str()), (304, ""));
    assert_eq!(again.header("etag"), Some(known.as_str()));
    assert_eq!(
        app.json("PUT", "/jobdeck/jobs/b?domain_id=d", &json!({}))
            .status,
        201
    );
    let changed = get_known(&app, path, &known);
    assert_eq!(changed.status, 200);
    assert_eq!(changed.json()["totals"]["jobs"], 1, "the job of now");
    // A condition that compares with now changes the answer at any time.
    let filter = json!([{"k": "created_at", "v": "now", "o": "timediff_lt"}]);
    let moving = app.get(&format!("{path}&query={}", query(&filter)));
    assert_eq!((moving.status, moving.header("etag")), (200, None));

    // A minute of this clock is a millisecond.
    let app = App::serve(Setup {
        clock: Clock::running_at(at("2022-06-20T12:00:00Z"), 60_000),
        ..Setup::default()
    });
    let known = app.get(path).header("etag").unwrap().to_owned();
    let mut answers = (0..1_000).map(|_| get_known(&app, path, &known).status);
    assert!(answers.any(|status| status == 200));
}

#[test]
fn a_token_of_a_domain_need_not_name_it() {
    let NewToken { token, entry } = NewToken::generate("d", false, None).unwrap();
    let NewToken {
        token: other,
        entry: of_other,
    } = NewToken::generate("e", false, None).unwrap();
    let NewToken {
        token: all,
        entry: of_all,
    } = NewToken::generate("*", false, None).unwrap();
    let app = App::serve(Setup {
        jobs: job("a", "d", "") + &job("b", "e", "") + &job("c", "e", ""),
        tokens: Some(format!("{entry}\n{of_all}\n{of_other}\n")),
        ..Setup::default()
    });
    let get = |token: &str, query: &str| {
        let bearer = format!("Bearer {token}");
        let path = format!("/jobdeck/overview?from=2022-06-17T00:00:00Z{query}");
        app.send("GET", &path, &[("authorization", &bearer)], None)
    };
    for (token, query, jobs) in [
        (&token, "", 1),
        (&token, "&domain_id=d", 1),
        (&token, "&domainId=d", 1),
        (&other, "", 2),
        (&all, "&domain_id=e", 2),
    ] {
        let answer = get(token, query);
        assert_eq!(
            answer.json()["totals"]["jobs"],
            jobs,
            "{query}: {}",
            answer.text
        );
    }
    let tags = [&token, &other].map(|token| get(token, "").header("etag").unwrap().to_owned());
    assert_ne!(tags[0], tags[1], "answers of one address for two domains");
    for (token, query, expected) in [
        (&token, "&domain_id=e", "403 ERROR_PERMISSION_DENIED"),
        (&all, "", "400 ERROR_REQUIRED_PARAMETER"),
    ] {
        let error = get(token, query).error();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn the_route_has_a_name_for_faults_and_the_journal() {
    let app = App::mock(job("a", "d", ""));
    assert_eq!(
        app.bare("HEAD", "/jobdeck/overview?domain_id=d").status,
        200
    );
    let fault = json!({"route": "overview", "code": 503, "times": 1});
    assert_eq!(app.post("/jobdeck/faults", &fault).status, 201);
    assert_eq!(app.get("/jobdeck/overview?domain_id=d").status, 503);
    assert_eq!(app.get("/jobdeck/overview?domain_id=d").status, 200);
    let journal = app
        .get("/jobdeck/journal?route=overview&domain_id=d")
        .json();
    let statuses: Vec<_> = journal["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["status"].clone())
        .collect();
    assert_eq!(statuses, [200, 503, 200]);
}

#[test]
fn a_document_that_can_not_be_read_is_a_server_error() {
    let message = "x".repeat(2_000);
    let app = App::with_jobs(job(
        "j",
        "d",
        &format!("\"status\":\"ERROR\",\"errors\":[{{\"message\":\"{message}\"}}]"),
    ));
    let range = "from=2022-06-01T00:00:00Z&to=2022-07-01T00:00:00Z";
    let target = format!("/jobdeck/overview?domain_id=d&{range}");
    let answer = app.get(&target);
    assert_eq!(answer.json()["errors"]["results"][0]["jobs"], 1);
    rusqlite::Connection::open(app.database())
        .unwrap()
        .execute_batch(
            "DROP TRIGGER jobs_are_updated_by_jobdeck;
             UPDATE jobs SET head = replace(head, '\"errors\":', '\"errors\";')",
        )
        .unwrap();
    let answer = app.get(&target);
    assert_eq!(answer.status, 503, "{}", answer.text);
    let search = json!({"domain_id": "d", "query": {"filter": [{"k": "errors.message", "o": "contain", "v": "y"}]}});
    assert_eq!(app.search(&search).status, 503);
}

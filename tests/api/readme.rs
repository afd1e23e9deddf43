//! The README's examples, run as they are written; the routes and limits that the documentation names.

use jobdeck::demo::{Timeline, World};
use jobdeck::time::Timestamp;
use serde_json::Value;

use crate::app::App;

/// Every curl of the README: its path, and its body where it has one.
fn examples() -> Vec<(String, Option<Value>)> {
    let readme =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let mut examples = Vec::new();
    for example in readme.split("\n    curl -s ").skip(1) {
        let example = example.split("\n\n").next().unwrap();
        let url = example
            .trim_start_matches('\'')
            .split([' ', '\'', '\n'])
            .next()
            .unwrap();
        let path = url
            .strip_prefix("http://127.0.0.1:8080")
            .unwrap()
            .to_owned();
        let body = example
            .split_once("-d '")
            .map(|(_, rest)| rest.trim_end().strip_suffix('\'').unwrap());
        examples.push((path, body.map(|body| serde_json::from_str(body).unwrap())));
    }
    examples
}

/// Jobs as the demo has them, up to the time of the tests' frozen clock.
pub(crate) fn demo_jobs(count: u64) -> String {
    let now = Timestamp::parse_rfc3339("2022-06-20T12:00:00Z").unwrap();
    let world = World::new(1, 4);
    let timeline = Timeline::before(now, 28, count);
    (0..count)
        .map(|index| world.life(&timeline, index).at(now).to_document() + "\n")
        .collect()
}

#[test]
fn every_example_has_a_result() {
    let app = App::mock(demo_jobs(5_000));
    let examples = examples();
    assert_eq!(examples.len(), 13);
    for (path, body) in examples {
        if path == "/jobdeck/faults" {
            assert_eq!(app.post(&path, &body.unwrap()).status, 201);
            app.bare("DELETE", &path);
            continue;
        }
        let answer = match &body {
            None => app.get(&path),
            Some(body) => app.post(&path, body),
        };
        assert_eq!(answer.status, 200, "{path} {body:?}: {}", answer.text);
        let found = if path.starts_with("/jobdeck/export?format=csv") {
            answer.text.lines().count() - 1
        } else {
            answer.json()["results"].as_array().unwrap().len()
        };
        assert!(found > 0, "{path} {body:?}: {}", answer.text);
    }
}

/// Every route that a table of the README names is there in a mock.
#[test]
fn every_route_of_the_readme_exists() {
    let readme =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let app = App::mock("");
    let mut known = 0;
    for line in readme.lines() {
        let Some((method, rest)) = line.strip_prefix("| `").and_then(|row| row.split_once(' '))
        else {
            continue;
        };
        if !["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&method) {
            continue;
        }
        let (path, _) = rest.split_once('`').unwrap();
        let path = path
            .replace("{job_id}", "j")
            .replace("{name}", "n")
            .replace("{id}", "fault-1")
            .replace("?domain_id=", "?domain_id=d")
            .replace("&on_conflict=", "&on_conflict=skip");
        let answer = app.bare(method, &path);
        let is_known =
            answer.status != 405 && !answer.text.contains("/openapi.json lists every route");
        assert!(is_known, "{line}: {}", answer.text);
        known += 1;
    }
    assert!(known > 20, "{known}");
}

/// The limits that the page on the query language names are those of the code.
#[test]
fn the_limits_are_the_codes() {
    use jobdeck::query::limits;
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/static/docs/query.md");
    let page = std::fs::read_to_string(page).unwrap();
    for line in [
        format!("| depth of JSON | {} |", jobdeck::json::MAX_DEPTH),
        format!(
            "| conditions; values in all their lists | {}; 10,000 |",
            limits::MAX_CONDITIONS
        ),
        format!(
            "| segments of a path; bytes of one | {}; {} |",
            limits::MAX_SEGMENTS,
            limits::MAX_SEGMENT_BYTES
        ),
        format!(
            "| sort keys; paths in `only` | {}; {} |",
            limits::MAX_SORT_KEYS,
            limits::MAX_PATHS
        ),
        format!(
            "| stages; keys and fields of one group or project | {}; {} each |",
            limits::MAX_STAGES,
            limits::MAX_FIELDS
        ),
        "| regular expressions; bytes of one; backtracking steps over one value | 50; 1,000; 100,000 |".to_owned(),
        "| values in a query; in a free-form member of a job | 50,000; 100,000 |".to_owned(),
        "| bytes of a value over which lookaround or a backreference is asked | 16 KiB |".to_owned(),
        "| words of `contain` and `keyword`; bytes of them all | 500; 16 KiB |".to_owned(),
        "| keys, fields, operands and conditions of all stages | 2,000 |".to_owned(),
        format!(
            "| bytes of a name; levels of a calculation; sort keys and group keys that order the rows of a stage | {}; {}; {} |",
            limits::MAX_NAME_BYTES,
            limits::MAX_CALCULATION_DEPTH,
            limits::MAX_ORDER_TERMS
        ),
    ] {
        assert!(page.contains(&line), "{line}");
    }
    assert_eq!(
        (limits::MAX_LIST_VALUES, limits::MAX_PATTERN_BYTES),
        (10_000, 1_000)
    );
    assert_eq!((limits::MAX_PATTERNS, limits::MAX_EXPRESSIONS), (50, 2_000));
    assert_eq!(
        (limits::MAX_VALUES, jobdeck::json::MAX_VALUES),
        (50_000, 100_000)
    );
    assert_eq!(limits::MAX_BACKTRACKED_BYTES, 16 << 10);
    assert_eq!((limits::MAX_WORDS, limits::MAX_WORD_BYTES), (500, 16 << 10));
}

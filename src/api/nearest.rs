//! What a client may have meant that has sent a request without a route: "did you mean".

use actix_web::http::Method;

use super::app::Switches;
use crate::route::{API_PAGE, DOCS, Route};

/// The largest distance to a route that is suggested, by the number of segments of the longer path.
const MAX_DISTANCE: f64 = 0.45;
/// The distance of a segment that only one of two paths has.
const ONE_SEGMENT: f64 = 0.5;
/// The distance of a segment to a `{parameter}`, so that a segment that has a name is nearer.
const TO_PARAMETER: f64 = 0.1;
/// The distance to a route that does not have the method.
const OTHER_METHOD: f64 = 0.3;
/// The longest path that is compared, in bytes.
const MAX_PATH_BYTES: usize = 200;

/// Returns the path of the route that a path without one is most similar to, if any is similar enough.
pub(super) fn nearest(method: &str, path: &str, switches: Switches) -> Option<&'static str> {
    if path.len() > MAX_PATH_BYTES {
        return None;
    }
    let method = if method == "HEAD" { "GET" } else { method };
    let routes = Route::ALL.iter().filter(|route| switches.bring(**route));
    let routes = routes.map(|route| (route.path(), route.has_method(method)));
    let pages = [DOCS, API_PAGE].map(|path| (path, method == "GET"));
    let mut best: Option<(f64, &'static str)> = None;
    for (known, has_method) in routes.chain(pages) {
        let other = if has_method { 0.0 } else { OTHER_METHOD };
        let distance = distance(path, known) + other;
        if distance <= MAX_DISTANCE && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, known));
        }
    }
    best.map(|(_, known)| known)
}

/// Returns how far a path is from the path of a route: 0 where they are the same.
fn distance(path: &str, known: &str) -> f64 {
    let segments = |path: &'_ str| path.split('/').filter(|s| !s.is_empty()).count();
    let count = segments(path).max(segments(known)).max(1);
    // The distance of the segments so far to each beginning of the known path.
    let known: Vec<_> = known.split('/').filter(|s| !s.is_empty()).collect();
    let mut row: Vec<f64> = vec![0.0];
    row.extend(known.iter().scan(0.0, |sum, _| {
        *sum += ONE_SEGMENT;
        Some(*sum)
    }));
    for segment in path.split('/').filter(|s| !s.is_empty()) {
        let mut above = row.iter().copied();
        let mut diagonal = above.next().unwrap_or_default();
        let mut left = diagonal + ONE_SEGMENT;
        let mut next = vec![left];
        for (known, above) in known.iter().zip(above) {
            let both = diagonal + difference(segment, known);
            left = both.min(above + ONE_SEGMENT).min(left + ONE_SEGMENT);
            next.push(left);
            diagonal = above;
        }
        row = next;
    }
    #[expect(clippy::cast_precision_loss, reason = "a path has few segments")]
    let count = count as f64;
    row.last().copied().unwrap_or_default() / count
}

/// Returns how different two segments are, from 0 to 1.
fn difference(segment: &str, known: &str) -> f64 {
    const MAX_SIMILAR: f64 = 0.6;
    if known.starts_with('{') {
        return TO_PARAMETER;
    }
    let difference = 1.0 - strsim::normalized_damerau_levenshtein(segment, known);
    if difference <= MAX_SIMILAR {
        difference
    } else {
        1.0
    }
}

/// Returns where a question is answered that a path does not answer by this method; nothing where nobody knows.
pub(super) fn elsewhere(method: &Method, path: &str) -> Option<String> {
    let list = Route::ListJobs.path();
    let route = Route::ALL
        .iter()
        .find(|route| route.parameter(path).is_some())?;
    let hint = match (*route, method) {
        (Route::SearchJobs, &(Method::GET | Method::HEAD)) => {
            format!("GET {list} takes the query in the query string")
        }
        (Route::StatJobs | Route::StatWithPercentiles, &(Method::GET | Method::HEAD)) => {
            "the query is sent as a body".to_owned()
        }
        (route, &(Method::GET | Method::HEAD)) if route.may_omit_domain() => {
            "the request is sent as a body".to_owned()
        }
        (Route::ListJobs, &Method::POST) => format!(
            "POST {} takes the query as a body, and POST {} adds jobs",
            Route::SearchJobs.path(),
            Route::AddJobs.path()
        ),
        (Route::ListJobs, &(Method::PUT | Method::PATCH | Method::DELETE)) => {
            format!("{method} {} changes a job", Route::PutJob.path())
        }
        (Route::AddJobs | Route::PutJob, &(Method::GET | Method::HEAD)) => {
            format!("GET {list}?domain_id=DOMAIN lists jobs, with job_id=ID one of them")
        }
        (Route::AddJobs, &(Method::PUT | Method::PATCH)) => {
            format!("{method} {} changes one job", Route::PutJob.path())
        }
        (Route::PutJob, &Method::POST) => format!(
            "PUT writes one job, and POST {} adds many",
            Route::AddJobs.path()
        ),
        _ => return None,
    };
    Some(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_without_a_route_is_near_to_what_was_meant() {
        let all = Switches {
            is_writable: true,
            is_mock: true,
            has_grpc: false,
        };
        for (method, path, expected) in [
            ("GET", "/v1/jobs", Some("/inventory/v1/jobs")),
            ("GET", "/jobs", Some("/inventory/v1/jobs")),
            ("GET", "/inventory/jobs", Some("/inventory/v1/jobs")),
            ("GET", "/inventory/v2/jobs", Some("/inventory/v1/jobs")),
            ("GET", "/inventory/v1/job", Some("/inventory/v1/jobs")),
            ("GET", "/api/inventory/v1/jobs", Some("/inventory/v1/jobs")),
            (
                "GET",
                "/inventory/v1/jobs/job-1",
                Some("/inventory/v1/jobs"),
            ),
            ("HEAD", "/INVENTORY/v1/jobs", Some("/inventory/v1/jobs")),
            ("POST", "/v1/jobs/search", Some("/inventory/v1/jobs/search")),
            (
                "POST",
                "/inventory/v1/jobs/serch",
                Some("/inventory/v1/jobs/search"),
            ),
            (
                "POST",
                "/inventory/v1/jobs/stats",
                Some("/inventory/v1/jobs/stat"),
            ),
            (
                "POST",
                "/inventory/jobs/search",
                Some("/inventory/v1/jobs/search"),
            ),
            ("POST", "/inventory/job/lst", Some("/inventory/job/list")),
            ("PUT", "/jobdeck/job/j", Some("/jobdeck/jobs/{job_id}")),
            ("POST", "/jobdeck/job", Some("/jobdeck/jobs")),
            ("POST", "/jobdeck/restet", Some("/jobdeck/reset")),
            ("GET", "/health", Some("/healthz")),
            ("GET", "/openapi", Some("/openapi.json")),
            ("GET", "/doc", Some("/docs")),
            ("GET", "/jobdeck/domain", Some("/jobdeck/domains")),
            ("GET", "/nowhere", None),
            ("GET", "/a/b/c/d/e", None),
            ("GET", "/", None),
            ("GET", &"/inventory/v1/jobs".repeat(12), None),
        ] {
            assert_eq!(nearest(method, path, all), expected, "{method} {path}");
        }
        let reading = Switches {
            is_writable: false,
            is_mock: false,
            has_grpc: false,
        };
        assert_eq!(nearest("POST", "/jobdeck/snapshotz", reading), None);
    }
}

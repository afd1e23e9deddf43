//! `Filters`: which jobs a command is about, as members of a query of the API.

use serde_json::{Map, Value as Json};

use crate::job::JobStatus;
use crate::time::Timestamp;

use super::conditions::condition;
use super::period::Period;
use super::search::Search;

/// The units of an age, which are those of `timediff_gte`: seconds, minutes, hours, days and weeks.
const UNITS: [char; 5] = ['s', 'm', 'h', 'd', 'w'];
/// The most digits of an age: what has more lies outside of all times.
const MAX_DIGITS: usize = 6;

/// A time that jobs are compared with: relative to the clock that answers, or absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// `now - 7d`, as the operator `timediff_gte` takes it.
    Relative(String),
    At(Timestamp),
}

impl When {
    /// Reads an age such as `7d`, `today`, `yesterday`, or a time such as `2026-01-31` or `2026-01-31T08:00:00+09:00`; a time
    /// without a zone is in UTC.
    ///
    /// # Errors
    /// A text that says what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "today" => return Ok(Self::Relative("now/d".to_owned())),
            "yesterday" => return Ok(Self::Relative("now/d - 1d".to_owned())),
            _ => {}
        }
        let digits = text.strip_suffix(UNITS).unwrap_or_default();
        let is_age = (1..=MAX_DIGITS).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit());
        if is_age {
            return Ok(Self::Relative(format!("now - {text}")));
        }
        let period = Period::parse(text).ok_or(
            "expected an age such as 90m, 12h, 7d or 2w, `today`, `yesterday`, or a time such as 2026-01-31 or 2026-01-31T08:00Z",
        )?;
        Ok(Self::At(period.start))
    }

    /// The condition that a job was created at this time or later, or before it.
    fn condition(&self, is_start: bool) -> Json {
        let (prefix, value) = match self {
            Self::Relative(text) => ("timediff", text.clone()),
            Self::At(time) => ("datetime", time.to_string()),
        };
        let operator = if is_start { "gte" } else { "lt" };
        condition("created_at", value, &format!("{prefix}_{operator}"))
    }
}

fn texts(values: &[String]) -> Vec<&str> {
    values.iter().map(String::as_str).collect()
}

/// Which jobs a command is about: all that is given must hold.
#[derive(Debug, Clone, Default)]
pub struct Filters {
    /// One of these; any where there are none, as in the members below.
    pub statuses: Vec<JobStatus>,
    /// The names of collectors.
    pub collectors: Vec<String>,
    pub collector_ids: Vec<String>,
    pub providers: Vec<String>,
    pub projects: Vec<String>,
    pub jobs: Vec<String>,
    pub error_codes: Vec<String>,
    /// Created at this time or later.
    pub since: Option<When>,
    /// Created before this time.
    pub until: Option<When>,
    pub search: Search,
}

impl Filters {
    /// Returns the members `filter` and `filter_or` of a query, each where there is something in it.
    #[must_use]
    pub fn query(&self) -> Map<String, Json> {
        let statuses: Vec<_> = self.statuses.iter().map(|status| status.name()).collect();
        let mut filter = Vec::new();
        for (path, values) in [
            ("status", statuses),
            ("collector_info.name", texts(&self.collectors)),
            ("collector_id", texts(&self.collector_ids)),
            ("collector_info.provider", texts(&self.providers)),
            ("project_id", texts(&self.projects)),
            ("job_id", texts(&self.jobs)),
            ("errors.error_code", texts(&self.error_codes)),
        ] {
            match values.as_slice() {
                [] => {}
                [value] => filter.push(condition(path, *value, "eq")),
                _ => filter.push(condition(path, values, "in")),
            }
        }
        filter.extend(self.since.iter().map(|since| since.condition(true)));
        filter.extend(self.until.iter().map(|until| until.condition(false)));
        filter.extend(self.search.filter());
        let mut query = Map::new();
        for (name, conditions) in [("filter", filter), ("filter_or", self.search.filter_or())] {
            if !conditions.is_empty() {
                query.insert(name.to_owned(), conditions.into());
            }
        }
        query
    }

    /// Returns whether any job is meant.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.query().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::compile_list;
    use crate::query::request::JobsQuery;

    #[test]
    fn a_time_is_an_age_or_a_date() {
        for (text, expected) in [
            (
                "7d",
                r#"{"k":"created_at","v":"now - 7d","o":"timediff_gte"}"#,
            ),
            (
                "90m",
                r#"{"k":"created_at","v":"now - 90m","o":"timediff_gte"}"#,
            ),
            (
                "today",
                r#"{"k":"created_at","v":"now/d","o":"timediff_gte"}"#,
            ),
            (
                "yesterday",
                r#"{"k":"created_at","v":"now/d - 1d","o":"timediff_gte"}"#,
            ),
            (
                "2026-01-31",
                r#"{"k":"created_at","v":"2026-01-31T00:00:00.000Z","o":"datetime_gte"}"#,
            ),
            (
                "2026-01-31T08:00+09:00",
                r#"{"k":"created_at","v":"2026-01-30T23:00:00.000Z","o":"datetime_gte"}"#,
            ),
            ("7 d", "error"),
            ("7y", "error"),
            ("d", "error"),
            ("9999999d", "error"),
            ("-7d", "error"),
            ("soon", "error"),
            ("", "error"),
        ] {
            let got = When::parse(text);
            let got = got.map_or("error".to_owned(), |when| when.condition(true).to_string());
            assert_eq!(got, expected, "{text}");
        }
    }

    #[test]
    fn all_filters_become_a_query_that_the_api_takes() {
        let texts = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let filters = Filters {
            statuses: vec![JobStatus::Error, JobStatus::Timeout],
            collectors: texts("a b"),
            collector_ids: texts("c"),
            providers: texts("aws"),
            projects: texts("p"),
            jobs: texts("j"),
            error_codes: texts("E"),
            since: Some(When::parse("7d").unwrap()),
            until: Some(When::parse("2026-01-31").unwrap()),
            search: Search::parse("-message~quota tasks>3 rate exceeded").unwrap(),
        };
        let query = serde_json::to_string(&filters.query()).unwrap();
        let expected = concat!(
            r#"{"filter":[{"k":"status","v":["ERROR","TIMEOUT"],"o":"in"},"#,
            r#"{"k":"collector_info.name","v":["a","b"],"o":"in"},{"k":"collector_id","v":"c","o":"eq"},"#,
            r#"{"k":"collector_info.provider","v":"aws","o":"eq"},{"k":"project_id","v":"p","o":"eq"},"#,
            r#"{"k":"job_id","v":"j","o":"eq"},{"k":"errors.error_code","v":"E","o":"eq"},"#,
            r#"{"k":"created_at","v":"now - 7d","o":"timediff_gte"},"#,
            r#"{"k":"created_at","v":"2026-01-31T00:00:00.000Z","o":"datetime_lt"},"#,
            r#"{"k":"errors.message","v":"quota","o":"not_contain"},{"k":"total_tasks","v":3,"o":"gt"}],"#,
            r#""filter_or":["#,
        );
        assert!(query.starts_with(expected), "{query}");
        let body = format!(r#"{{"domain_id":"d","query":{query}}}"#);
        let request = JobsQuery::from_json(body.as_bytes()).unwrap();
        compile_list(&request, Timestamp::MAX).unwrap();
        assert!(Filters::default().is_empty());
    }
}

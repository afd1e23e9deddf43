//! The rules of a file: parses and checks its text.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use toml::Spanned;
use ureq::http::{HeaderName, HeaderValue};
use ureq::tls::{Certificate, PemItem, parse_pem};
use url::Url;

use super::filter::Conditions;
use super::rule::{Rule, Target};
use super::template::Template;
use crate::json::names::unknown;
use crate::store::notifications::EventKind;
use crate::time::{Age, Timestamp};
use crate::watched_file::line_at;

/// The most rules of a file.
const MAX_RULES: usize = 100;
/// The longest name of a rule, in characters.
const MAX_NAME_CHARS: usize = 100;
/// Headers that the client sets by itself.
const OWN_HEADERS: [&str; 6] = [
    "connection",
    "content-length",
    "content-type",
    "host",
    "transfer-encoding",
    "user-agent",
];
/// What `serde_json` reads a TOML time as: an object with this member.
const TOML_TIME: &str = "$__toml_private_datetime";

/// Why the text of a file of rules is wrong, and on which line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct RulesError {
    pub line: usize,
    pub problem: String,
}

/// The file as TOML.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileContent {
    page: Option<Spanned<String>>,
    notify: Option<Vec<Entry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: Spanned<String>,
    domain_id: Spanned<String>,
    on: Spanned<OneOrMore>,
    url: Spanned<String>,
    #[serde(default)]
    headers: BTreeMap<String, Spanned<String>>,
    filter: Option<Spanned<Vec<Value>>>,
    filter_or: Option<Spanned<Vec<Value>>>,
    missing_after: Option<Spanned<String>>,
    stuck_after: Option<Spanned<String>>,
    text: Option<Spanned<String>>,
    #[serde(default)]
    allow_private: bool,
    ca_file: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected `failed`, `recovered`, `stuck` or `missing`, or a list of them"
)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

/// A problem of a rule: where, in which member, and which.
type Problem = (Range<usize>, String);

/// Parses the text of a file. `variable` finds an environment variable, and `read` the content of a file.
///
/// # Errors
/// [`RulesError`] when the text is not TOML, a member is missing, unknown or wrong, or a name is there twice.
pub(super) fn parse(
    text: &str,
    now: Timestamp,
    variable: &dyn Fn(&str) -> Option<String>,
    read: &dyn Fn(&str) -> std::io::Result<Vec<u8>>,
) -> Result<Vec<Arc<Rule>>, RulesError> {
    let error = |span: Range<usize>, problem: String| RulesError {
        line: line_at(text.as_bytes(), span.start),
        problem,
    };
    let content: FileContent = toml::from_str(text).map_err(|source| {
        let problem = source.message().replace('\n', ", ");
        error(source.span().unwrap_or_default(), problem)
    })?;
    let page = content.page.map(|page| {
        let parsed = page_address(page.as_ref());
        parsed.map_err(|problem| error(page.span(), format!("page: {problem}")))
    });
    let page = page.transpose()?;
    // An editor may leave the file empty for a short time, so a file without rules must say so.
    let Some(entries) = content.notify else {
        let problem = "there is no `[[notify]]`; `notify = []` is a file without rules";
        return Err(error(0..0, problem.to_owned()));
    };
    if entries.len() > MAX_RULES {
        let problem = format!("{} rules; at most {MAX_RULES} are allowed", entries.len());
        return Err(error(0..0, problem));
    }
    let mut names = HashSet::new();
    let mut rules = Vec::with_capacity(entries.len());
    for entry in entries {
        let (name, place) = (entry.name.as_ref().clone(), entry.name.span());
        if name.is_empty()
            || name.chars().count() > MAX_NAME_CHARS
            || name.chars().any(char::is_control)
        {
            let problem = format!("name: expected 1 to {MAX_NAME_CHARS} characters on one line");
            return Err(error(place, problem));
        }
        if !names.insert(name.clone()) {
            let problem =
                format!("name: another rule is called `{name}`; give this one its own name");
            return Err(error(place, problem));
        }
        let rule = rule(entry, page.clone(), now, variable, read);
        let rule =
            rule.map_err(|(place, problem)| error(place, format!("rule `{name}`: {problem}")))?;
        rules.push(Arc::new(rule));
    }
    Ok(rules)
}

fn rule(
    entry: Entry,
    page: Option<Url>,
    now: Timestamp,
    variable: &dyn Fn(&str) -> Option<String>,
    read: &dyn Fn(&str) -> std::io::Result<Vec<u8>>,
) -> Result<Rule, Problem> {
    let domain_id = entry.domain_id.as_ref().clone();
    if domain_id.is_empty() {
        let problem = "domain_id: must not be empty; a rule watches one domain";
        return Err((entry.domain_id.span(), problem.to_owned()));
    }
    let on = kinds(&entry.on)?;
    let missing_after = age("missing_after", entry.missing_after.as_ref())?;
    let stuck_after = age("stuck_after", entry.stuck_after.as_ref())?;
    let place = entry.on.span();
    let is_for_missing = on.contains(&EventKind::Missing);
    if is_for_missing && missing_after.is_none() {
        let problem =
            "missing_after: is required for `missing`; `missing_after = \"26h\"` suits a daily job";
        return Err((place, problem.to_owned()));
    }
    for (name, kind, is_given) in [
        ("missing_after", EventKind::Missing, missing_after.is_some()),
        ("stuck_after", EventKind::Stuck, stuck_after.is_some()),
    ] {
        if is_given && !on.contains(&kind) {
            let problem = format!("{name}: is for `{0}`; add `{0}` to `on`", kind.name());
            return Err((place, problem));
        }
    }
    let filter_place =
        [&entry.filter, &entry.filter_or].map(|filter| filter.as_ref().map(Spanned::span));
    let conditions = Conditions {
        filter: conditions(entry.filter),
        filter_or: conditions(entry.filter_or),
    };
    let is_of_failures_alone = on == [EventKind::Failed];
    conditions
        .check(&domain_id, is_of_failures_alone, now)
        .map_err(|problem| {
            let [filter, filter_or] = filter_place;
            let place = if problem.starts_with("filter_or") {
                filter_or.or(filter)
            } else {
                filter.or(filter_or)
            };
            (place.unwrap_or(place_of_domain(&entry.domain_id)), problem)
        })?;
    let text = entry.text.map(|text| {
        let template = Template::parse(text.as_ref());
        template.map_err(|problem| (text.span(), format!("text: {problem}")))
    });
    let authorities = match &entry.ca_file {
        Some(path) => authorities(path.as_ref(), read)
            .map_err(|problem| (path.span(), format!("ca_file: {problem}")))?,
        None => Vec::new(),
    };
    Ok(Rule {
        name: entry.name.into_inner(),
        domain_id,
        on,
        conditions,
        missing_after,
        stuck_after,
        text: text.transpose()?,
        page,
        target: Target {
            url: receiver(&entry.url, variable)?,
            headers: headers(&entry.headers, variable)?,
            allows_private: entry.allow_private,
            authorities,
        },
    })
}

fn place_of_domain(domain_id: &Spanned<String>) -> Range<usize> {
    domain_id.span()
}

/// Reads the kinds of events, in the order of all kinds.
fn kinds(on: &Spanned<OneOrMore>) -> Result<Vec<EventKind>, Problem> {
    let names = match on.as_ref() {
        OneOrMore::One(name) => std::slice::from_ref(name),
        OneOrMore::More(names) => names,
    };
    let known = EventKind::ALL.map(EventKind::name);
    if let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) {
        return Err((on.span(), format!("on: {}", unknown("event", name, &known))));
    }
    let kinds = EventKind::ALL.into_iter();
    let kinds: Vec<_> = kinds
        .filter(|kind| names.iter().any(|name| name == kind.name()))
        .collect();
    if kinds.is_empty() {
        let problem = format!("on: expected one of {} at least", known.join(", "));
        return Err((on.span(), problem));
    }
    Ok(kinds)
}

fn age(name: &str, text: Option<&Spanned<String>>) -> Result<Option<i64>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let age = Age::parse(text.as_ref());
    let age = age.map_err(|error| (text.span(), format!("{name}: {error}")))?;
    Ok(Some(age.millis()))
}

/// Returns conditions as JSON. A time of TOML is a text in JSON.
fn conditions(conditions: Option<Spanned<Vec<Value>>>) -> Vec<Value> {
    let mut conditions = conditions.map(Spanned::into_inner).unwrap_or_default();
    for member in conditions
        .iter_mut()
        .filter_map(Value::as_object_mut)
        .flat_map(|object| object.values_mut())
    {
        if let Some(time) = member.get_mut(TOML_TIME) {
            *member = time.take();
        }
    }
    conditions
}

/// Reads the address of the page.
fn page_address(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok();
    url.filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.query().is_none()
            && url.fragment().is_none()
    })
    .ok_or_else(|| "expected the address of the page, such as https://jobs.example/".to_owned())
}

/// Reads where a rule sends to. The problem does not repeat the text, which may be a secret.
fn receiver(
    url: &Spanned<String>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Url, Problem> {
    let problem = |problem: &str| (url.span(), format!("url: {problem}"));
    let text = expand(url.as_ref(), variable).map_err(|error| problem(&error))?;
    let parsed = Url::parse(&text).map_err(|error| {
        problem(&format!(
            "{error}; expected an address such as https://hooks.example/jobs"
        ))
    })?;
    if !matches!(parsed.scheme(), "http" | "https") {
        return Err(problem(
            "expected an address that begins with https:// or http://",
        ));
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(problem(
            "a name or a password in an address is not sent; use a header, `headers = { authorization = \"…\" }`",
        ));
    }
    if parsed.fragment().is_some() {
        return Err(problem("a part behind `#` is not sent; leave it out"));
    }
    Ok(parsed)
}

fn headers(
    given: &BTreeMap<String, Spanned<String>>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Vec<(HeaderName, HeaderValue)>, Problem> {
    let mut headers = Vec::with_capacity(given.len());
    for (name, value) in given {
        let problem = |problem: &str| (value.span(), format!("headers.{name}: {problem}"));
        let header = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_invalid| problem("is not the name of a header"))?;
        if OWN_HEADERS.contains(&header.as_str()) {
            return Err(problem("jobdeck sets this header by itself; leave it out"));
        }
        let value = expand(value.as_ref(), variable).map_err(|error| problem(&error))?;
        let value = HeaderValue::from_str(&value)
            .map_err(|_invalid| problem("expected visible ASCII characters on one line"))?;
        headers.push((header, value));
    }
    Ok(headers)
}

/// Replaces each `${NAME}` by the environment variable of this name.
fn expand(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let (mut expanded, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("${") {
        let (name, behind) = after
            .split_once('}')
            .ok_or("`${` has no `}`; `${NAME}` is the environment variable NAME")?;
        let value = variable(name).filter(|value| !value.is_empty());
        let value = value
            .ok_or_else(|| format!("the environment variable `{name}` is not set, or no text"))?;
        expanded.push_str(before);
        expanded.push_str(&value);
        rest = behind;
    }
    expanded.push_str(rest);
    Ok(expanded)
}

/// Reads the certificates of a PEM file.
fn authorities(
    path: &str,
    read: &dyn Fn(&str) -> std::io::Result<Vec<u8>>,
) -> Result<Vec<Certificate<'static>>, String> {
    let content = read(path).map_err(|error| format!("{path}: {error}"))?;
    let items: Result<Vec<_>, _> = parse_pem(&content).collect();
    let items = items.map_err(|error| format!("{path}: is not PEM: {error}"))?;
    let certificates: Vec<_> = items
        .into_iter()
        .filter_map(|item| match item {
            PemItem::Certificate(certificate) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() {
        return Err(format!("{path}: has no certificate in PEM"));
    }
    Ok(certificates)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file with one rule, whose lines are those of a sound one but for `change`.
    fn file(change: &str) -> String {
        let name = change.split(" =").next().unwrap_or_default();
        let sound = [
            "name = \"ci\"",
            "domain_id = \"d\"",
            "on = \"failed\"",
            "url = \"https://hooks.example/a\"",
        ];
        let lines = sound
            .into_iter()
            .filter(|line| !line.starts_with(&format!("{name} =")));
        let lines: Vec<_> = lines
            .chain([change])
            .filter(|line| !line.ends_with('='))
            .collect();
        format!("[[notify]]\n{}\n", lines.join("\n"))
    }

    fn parsed(text: &str) -> Result<Vec<Arc<Rule>>, RulesError> {
        let now = Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").unwrap();
        let variable = |name: &str| match name {
            "HOOK" => Some("hooks.example".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        let read = |path: &str| match path {
            "empty.pem" => Ok(Vec::new()),
            _ => Err(std::io::ErrorKind::NotFound.into()),
        };
        parse(text, now, &variable, &read)
    }

    #[track_caller]
    fn check(change: &str, expected: &str) {
        let error = parsed(&file(change)).err().map(|error| error.to_string());
        let error = error.unwrap_or_default();
        assert!(error.contains(expected), "{change}: {error}");
        assert_eq!(error.is_empty(), expected.is_empty(), "{change}: {error}");
        assert!(!error.contains('\n'), "{error}");
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        check("", "");
        check("text = \"{collector} {on}\"", "");
        check("headers = { authorization = \"Bearer ${HOOK}\" }", "");
        check("url = \"https://${HOOK}/a\"", "");
        check(
            "filter = [{ k = \"created_at\", v = 2026-01-01T00:00:00Z, o = \"datetime_gte\" }]",
            "",
        );
        check("colour = \"red\"", "line 6: unknown field `colour`");
        check("name =", "line 1: missing field `name`");
        check("name = \"\"", "line 5: name: expected 1 to 100 characters");
        check(
            "domain_id = \"\"",
            "line 5: rule `ci`: domain_id: must not be empty",
        );
        check(
            "on = \"fialed\"",
            "line 5: rule `ci`: on: unknown event `fialed`; did you mean `failed`?",
        );
        check(
            "on = []",
            "line 5: rule `ci`: on: expected one of failed, recovered, stuck, missing",
        );
        check(
            "on = 3",
            "expected `failed`, `recovered`, `stuck` or `missing`",
        );
        check(
            "on = \"missing\"",
            "line 5: rule `ci`: missing_after: is required",
        );
        check(
            "missing_after = \"26h\"",
            "rule `ci`: missing_after: is for `missing`",
        );
        check("stuck_after = \"1x\"", "line 6: rule `ci`: stuck_after: ");
        check(
            "url = \"ftp://a\"",
            "line 5: rule `ci`: url: expected an address that begins with https://",
        );
        check("url = \"a\"", "rule `ci`: url: relative URL without a base");
        check("url = \"https://u:p@a/\"", "url: a name or a password");
        check("url = \"https://a/#b\"", "url: a part behind `#`");
        check(
            "url = \"https://${HOK}/\"",
            "url: the environment variable `HOK` is not set",
        );
        check("url = \"https://${EMPTY}/\"", "`EMPTY` is not set");
        check("url = \"https://${HOOK/\"", "`${` has no `}`");
        check(
            "headers = { host = \"a\" }",
            "line 6: rule `ci`: headers.host: jobdeck sets",
        );
        check(
            "headers = { \"a b\" = \"a\" }",
            "headers.a b: is not the name",
        );
        check(
            "headers = { a = \"ä\\n\" }",
            "headers.a: expected visible ASCII",
        );
        check(
            "text = \"{colector}\"",
            "line 6: rule `ci`: text: unknown place `colector`; did you mean `collector`?",
        );
        check(
            "filter = [{ k = \"status\", o = \"like\" }]",
            "line 6: rule `ci`: filter[0].operator: unknown operator `like`",
        );
        check(
            "filter_or = [{ k = \"status\", o = \"like\" }]",
            "line 6: rule `ci`: filter_or[0].operator: unknown operator",
        );
        check(
            "ca_file = \"no.pem\"",
            "line 6: rule `ci`: ca_file: no.pem: ",
        );
        check(
            "ca_file = \"empty.pem\"",
            "empty.pem: has no certificate in PEM",
        );
        check("allow_private = \"yes\"", "line 6: invalid type");
    }

    #[test]
    fn a_file_has_rules_with_names_of_their_own() {
        let twice = file("").repeat(2);
        let error = parsed(&twice).unwrap_err();
        assert_eq!(error.line, 8);
        assert!(
            error.problem.contains("another rule is called `ci`"),
            "{error}"
        );
        assert!(
            parsed("")
                .unwrap_err()
                .problem
                .contains("there is no `[[notify]]`")
        );
        assert!(parsed("notify = []").unwrap().is_empty());
        for page in ["jobs.example", "https://a/?b", "ftp://a/"] {
            let error = parsed(&format!("page = \"{page}\"\n{}", file(""))).unwrap_err();
            assert!(
                error.to_string().starts_with("line 1: page: expected"),
                "{error}"
            );
        }
        let rules = parsed(&format!("page = \"https://a/jobs/\"\n{}", file(""))).unwrap();
        assert_eq!(
            rules[0].link("a&b").as_deref(),
            Some("https://a/jobs/?domain=d&job=a%26b")
        );
    }

    #[test]
    fn a_rule_shows_no_secret() {
        let text = file("headers = { x-key = \"secret\" }").replace("/a\"", "/secret\"");
        let rules = parsed(&text).unwrap();
        assert!(!format!("{rules:?}").contains("secret"), "{rules:?}");
        assert_eq!(rules[0].host(), "hooks.example");
        assert_eq!(rules[0].headers().collect::<Vec<_>>(), ["x-key"]);
    }
}

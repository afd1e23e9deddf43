//! Parameters of query strings and paths. Those of jobdeck's own routes are read strictly.

use std::borrow::Cow;

use actix_web::HttpRequest;
use actix_web::web::Payload;
use percent_encoding::percent_decode_str;
use serde::de::IgnoredAny;

use super::access::Access;
use super::error::ApiError;
use crate::job::{JobTextError, MAX_ID_BYTES};
use crate::query::QueryError;
use crate::query::error::unknown;

/// The longest query string, in bytes.
const MAX_QUERY_STRING_BYTES: usize = 32 << 10;

/// A name and its value in a query string, decoded.
pub(super) type Pair<'r> = (Cow<'r, str>, Cow<'r, str>);

/// The pairs of a query string, in its order.
pub(super) fn pairs(request: &HttpRequest) -> Result<Vec<Pair<'_>>, ApiError> {
    let text = request.query_string();
    if text.len() > MAX_QUERY_STRING_BYTES {
        return Err(ApiError::LongQueryString(MAX_QUERY_STRING_BYTES));
    }
    Ok(pairs_of(request).collect())
}

fn pairs_of(request: &HttpRequest) -> impl Iterator<Item = Pair<'_>> {
    form_urlencoded::parse(request.query_string().as_bytes())
}

pub(super) fn borrowed<'p>((name, value): &'p Pair<'_>) -> (&'p str, &'p str) {
    (name, value)
}

/// Refuses parameters in the query string of a route that takes everything in its body.
pub(super) fn no_parameters(request: &HttpRequest) -> Result<(), QueryError> {
    match pairs_of(request).next() {
        None => Ok(()),
        Some((name, _)) => Err(QueryError::Parameter {
            place: name.chars().take(64).collect(),
            problem: "this route takes no parameters; put it into the body".to_owned(),
        }),
    }
}

/// The parameters of a query string, taken out by name, so that none is overlooked.
pub(super) struct Parameters<'r> {
    given: Vec<Pair<'r>>,
    known: Vec<&'static str>,
}

impl<'r> Parameters<'r> {
    pub(super) fn of(request: &'r HttpRequest) -> Result<Self, ApiError> {
        Ok(Self {
            given: pairs(request)?,
            known: Vec::new(),
        })
    }

    /// The value of a parameter. An empty one is refused: a variable that a script forgot to set must not make "this
    /// domain's" into "all".
    pub(super) fn take(&mut self, name: &'static str) -> Result<Option<Cow<'r, str>>, QueryError> {
        self.known.push(name);
        let mut found = None;
        while let Some(index) = self.given.iter().position(|(given, _)| given == name) {
            let (_, value) = self.given.swap_remove(index);
            if found.replace(value).is_some() {
                return Err(problem(name, "given twice".to_owned()));
            }
        }
        match found {
            Some(value) if value.is_empty() => {
                let text = "must not be empty; leave it out instead".to_owned();
                Err(problem(name, text))
            }
            found => Ok(found),
        }
    }

    pub(super) fn take_text(&mut self, name: &'static str) -> Result<Option<String>, QueryError> {
        Ok(self.take(name)?.map(Cow::into_owned))
    }

    /// An id, as long as those in documents may be.
    pub(super) fn take_id(&mut self, name: &'static str) -> Result<Option<String>, QueryError> {
        match self.take_text(name)? {
            Some(given) => id(name, given).map(Some),
            None => Ok(None),
        }
    }

    /// A value that `read` understands; `expected` says what that is.
    pub(super) fn take_as<T>(
        &mut self,
        name: &'static str,
        expected: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, QueryError> {
        let Some(text) = self.take(name)? else {
            return Ok(None);
        };
        if let Some(value) = read(&text) {
            return Ok(Some(value));
        }
        let shown: String = text.chars().take(64).collect();
        let text = format!("expected {expected}, found `{shown}`");
        Err(problem(name, text))
    }

    /// Refuses what was not taken.
    pub(super) fn finish(self) -> Result<(), QueryError> {
        let Some((name, _)) = self.given.first() else {
            return Ok(());
        };
        let text = if self.known.is_empty() {
            "this route takes no parameters".to_owned()
        } else {
            unknown("parameter", name, &self.known)
        };
        Err(problem(&name.chars().take(64).collect::<String>(), text))
    }
}

pub(super) fn problem(place: &str, problem: String) -> QueryError {
    QueryError::Parameter {
        place: place.to_owned(),
        problem,
    }
}

/// Checks an id that stands in an address, as those in documents are checked.
pub(super) fn id(place: &str, given: String) -> Result<String, QueryError> {
    if (1..=MAX_ID_BYTES).contains(&given.len()) {
        Ok(given)
    } else {
        let length = given.len();
        Err(problem(
            place,
            format!("is {length} bytes long; expected 1 to {MAX_ID_BYTES}"),
        ))
    }
}

/// The one parameter that most of these routes take: they are about that domain, or without it about the whole server.
pub(super) fn scope_parameter(
    request: &HttpRequest,
    access: &Access,
) -> Result<Option<String>, ApiError> {
    let domain_id = domain_parameter(request)?;
    access.check(domain_id.as_deref())?;
    Ok(domain_id)
}

/// The same where more than the address says what the request is about; that is to be checked when it is known.
pub(super) fn domain_parameter(request: &HttpRequest) -> Result<Option<String>, ApiError> {
    let mut parameters = Parameters::of(request)?;
    let domain_id = parameters.take_id("domain_id")?;
    parameters.finish()?;
    Ok(domain_id)
}

/// The same where it must be given.
pub(super) fn required_domain(request: &HttpRequest, access: &Access) -> Result<String, ApiError> {
    let domain_id = domain_parameter(request)?.ok_or_else(missing_domain)?;
    access.check(Some(&domain_id))?;
    Ok(domain_id)
}

pub(super) fn missing_domain() -> ApiError {
    ApiError::Query(QueryError::Required {
        key: "domain_id".to_owned(),
    })
}

/// Refuses a body where none is read: whoever puts a `domain_id` there means one domain, and must not change all.
pub(super) async fn no_body(payload: Payload) -> Result<(), ApiError> {
    const ENOUGH_BYTES: usize = 1;
    match payload.to_bytes_limited(ENOUGH_BYTES).await {
        Ok(Ok(body)) if body.is_empty() => Ok(()),
        Ok(Err(error)) => Err(ApiError::BrokenBody(error.to_string())),
        _ => {
            let text = "this route takes none; `?domain_id=` in the address says which domain";
            Err(problem("body", text.to_owned()).into())
        }
    }
}

/// What is wrong with a body: no JSON at all, or a member, by its name.
pub(super) fn body_error(body: &[u8], error: &JobTextError) -> ApiError {
    let refusal = if serde_json::from_slice::<IgnoredAny>(body).is_err() {
        let (line, column) = (error.line, error.column);
        QueryError::Json {
            problem: format!("{} at line {line} column {column}", error.problem),
        }
    } else {
        problem(&format!("body, line {}", error.line), error.to_string())
    };
    refusal.into()
}

/// The id that is the last part of the path. What the router hands on has lost what is not UTF-8.
pub(super) fn last_of_path(request: &HttpRequest, name: &str) -> Result<String, QueryError> {
    let raw = request.uri().path().rsplit('/').next().unwrap_or_default();
    match percent_decode_str(raw).decode_utf8() {
        Ok(decoded) => id(name, decoded.into_owned()),
        Err(_) => Err(problem(name, "is not UTF-8, percent-encoded".to_owned())),
    }
}

/// Fills a member in from the address, or checks that the two agree.
pub(super) fn agree(
    name: &str,
    given: &mut Option<String>,
    address: Option<String>,
) -> Result<(), QueryError> {
    match (&given, address) {
        (Some(given), Some(address)) if *given != address => Err(problem(
            name,
            format!("is `{given}` in the body and `{address}` in the address; they must agree"),
        )),
        (None, address) => {
            *given = address;
            Ok(())
        }
        _ => Ok(()),
    }
}

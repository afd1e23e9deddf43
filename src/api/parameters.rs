//! Reads parameters of query strings and paths; those of jobdeck's own routes are read strictly.

use std::borrow::Cow;

use actix_web::HttpRequest;
use percent_encoding::percent_decode_str;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::admission::Access;
use super::error::ApiError;
use super::schema::params::{OneJobPath, ScopeParams, TenantParams, check_id};
use crate::job::JobTextError;
use crate::json::message::{Dialect, Problem, from_pairs, from_value};
use crate::query::QueryError;
use crate::query::request::parse;
use crate::route::Route;

/// The longest query string, in bytes.
const MAX_QUERY_STRING_BYTES: usize = 32 << 10;

/// A name and its value in a query string, decoded.
pub(super) type Pair<'r> = (Cow<'r, str>, Cow<'r, str>);

/// Returns the pairs of a query string, in its order.
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

/// Borrows a pair, as readers take it.
pub(super) fn borrowed<'p>((name, value): &'p Pair<'_>) -> (&'p str, &'p str) {
    (name, value)
}

/// Refuses parameters in the query string of a route that takes none; `hint` says what to do instead, or nothing.
pub(super) fn no_parameters(request: &HttpRequest, hint: &str) -> Result<(), QueryError> {
    match pairs_of(request).next() {
        None => Ok(()),
        Some((name, _)) => {
            let name: String = name.chars().take(64).collect();
            Err(problem(
                &name,
                format!("this route takes no parameters{hint}"),
            ))
        }
    }
}

/// Reads the parameters of a query string into their struct, strictly: unknown, repeated and empty ones are errors.
pub(super) fn parameters<T: DeserializeOwned>(request: &HttpRequest) -> Result<T, ApiError> {
    read_pairs(pairs(request)?.iter().map(borrowed))
}

/// The same of some of a query string's pairs.
pub(super) fn read_pairs<'p, T: DeserializeOwned>(
    pairs: impl Iterator<Item = (&'p str, &'p str)>,
) -> Result<T, ApiError> {
    from_pairs(pairs).map_err(|error| match error.problem() {
        Problem::Missing => missing(&error.location()),
        reason => problem(&error.location(), reason.to_string()).into(),
    })
}

/// Makes the error of a parameter, or of a member of a body.
pub(super) fn problem(location: &str, problem: String) -> QueryError {
    QueryError::Parameter {
        location: location.to_owned(),
        problem,
    }
}

/// Reads the one parameter of most controls: they are about that domain, or without it about the whole server.
pub(super) fn scope_parameter(
    request: &HttpRequest,
    access: &Access,
) -> Result<Option<String>, ApiError> {
    let ScopeParams { domain_id } = parameters(request)?;
    access.check(domain_id.as_deref())?;
    Ok(domain_id)
}

/// Reads the domain of a route that needs one.
pub(super) fn tenant_parameter(request: &HttpRequest, access: &Access) -> Result<String, ApiError> {
    let TenantParams { domain_id } = parameters(request)?;
    let domain_id = domain_id.ok_or_else(|| missing("domain_id"))?;
    access.check(Some(&domain_id))?;
    Ok(domain_id)
}

/// Makes the error of a required parameter that is missing.
pub(super) fn missing(name: &str) -> ApiError {
    ApiError::Query(QueryError::Required {
        key: name.to_owned(),
    })
}

/// Reads a JSON body into its struct.
pub(super) fn read_message<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    from_value(parse(body)?, Dialect::PLAIN).map_err(|error| {
        let location = error.location();
        let location = if location.is_empty() {
            "body"
        } else {
            &location
        };
        problem(location, error.problem().to_string()).into()
    })
}

/// Returns all that is wrong with the body of a job: it is no JSON, or members are wrong, which are named, one a line.
pub(super) fn body_errors(body: &[u8], errors: &[JobTextError]) -> ApiError {
    let Some((first, others)) = errors.split_first() else {
        return ApiError::Internal("a body is refused without a reason");
    };
    if serde_json::from_slice::<IgnoredAny>(body).is_err() {
        let (line, column) = (first.line, first.column);
        return ApiError::from(QueryError::Json {
            problem: format!("{} at line {line} column {column}", first.problem),
        });
    }
    let others = others
        .iter()
        .map(|error| format!("\nbody: line {}, {error}", error.line));
    let text = format!("line {}, {first}", first.line) + &others.collect::<String>();
    problem("body", text).into()
}

/// Reads the job in the path. The router's own reading would replace what is not UTF-8.
pub(super) fn job_path(request: &HttpRequest) -> Result<OneJobPath, QueryError> {
    let raw = Route::PutJob.parameter(request.uri().path());
    let Ok(job_id) = percent_decode_str(raw.unwrap_or_default()).decode_utf8() else {
        return Err(problem(
            "job_id",
            "is not UTF-8, percent-encoded".to_owned(),
        ));
    };
    check_id(&job_id).map_err(|wrong| problem("job_id", wrong))?;
    Ok(OneJobPath {
        job_id: job_id.into_owned(),
    })
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

//! The types of parameters of query strings and paths: each is read as the OpenAPI document describes it.
//!
//! Those of lists are [`crate::query::request::ListParams`].

use serde::de::{Error, Unexpected};
use serde::{Deserialize, Deserializer};
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use crate::job::MAX_ID_BYTES;
use crate::mock::{JournalFilter, MAX_ENTRIES};
use crate::query::overview::{MAX_ANSWERED, RangeTexts};
use crate::route::{RouteName, tidy};
use crate::store;

/// The form of an export.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExportParams {
    /// The form of the file.
    #[param(inline, example = "csv")]
    pub(crate) format: ExportFormat,
}

/// The form of an export.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename = "format", rename_all = "lowercase")]
pub(crate) enum ExportFormat {
    /// A line a job, always with the same columns.
    Csv,
    /// A document a line, as `jobdeck import` reads it.
    Ndjson,
    /// An array of documents, as `jobdeck import` reads it, too.
    Json,
}

/// The period of an overview, its buckets, and how many collectors it has.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct OverviewParams {
    /// The beginning of the period, which it includes: a time, or one relative to now; 24 hours before `to` if left out.
    #[param(example = "now - 7d", nullable = false)]
    pub(crate) from: Option<String>,
    /// The end of the period, which it does not include; the end of the present minute if left out, as `now` is.
    #[param(example = "now", nullable = false)]
    pub(crate) to: Option<String>,
    /// The length of a bucket in minutes, hours, days or weeks; if left out, it is chosen so that there are about 60 at most.
    #[param(pattern = "^[0-9]+[mhdw]$", example = "6h", nullable = false)]
    pub(crate) bucket: Option<String>,
    /// How many collectors are answered at the most, the worst; 20 if left out.
    #[serde(default, deserialize_with = "collectors")]
    #[param(minimum = 1, maximum = 500, example = 100, nullable = false)]
    pub(crate) collectors: Option<usize>,
}

impl OverviewParams {
    /// The names of the parameters.
    pub(crate) const NAMES: [&str; 4] = ["from", "to", "bucket", "collectors"];

    /// Returns the texts that are read further.
    pub(crate) fn texts(&self) -> RangeTexts<'_> {
        RangeTexts {
            from: self.from.as_deref(),
            to: self.to.as_deref(),
            bucket: self.bucket.as_deref(),
        }
    }
}

/// A job, in the path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OneJobPath {
    /// The job.
    #[param(min_length = 1, max_length = 256, example = "job-1")]
    pub(crate) job_id: String,
}

/// A snapshot, in the path.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OneSnapshotPath {
    /// Its name.
    #[param(pattern = "^[A-Za-z0-9._-]{1,100}$", example = "before-import")]
    pub(crate) name: String,
}

/// A fault, in the path.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OneFaultPath {
    /// The fault's id.
    #[param(example = "fault-1")]
    pub(crate) id: String,
}

/// The domain that a route is limited to.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ScopeParams {
    /// Only this domain; without it the whole server.
    #[serde(default, deserialize_with = "id")]
    #[param(
        min_length = 1,
        max_length = 256,
        example = "domain-67094cea8ca4",
        nullable = false
    )]
    pub(crate) domain_id: Option<String>,
}

/// The domain that a stream of events is for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventsParams {
    /// The domain that the client shows. A token of one domain reaches no other, and may leave it out. The versions are of all
    /// data, whatever the domain.
    #[serde(default, deserialize_with = "id")]
    #[param(
        min_length = 1,
        max_length = 256,
        example = "domain-67094cea8ca4",
        nullable = false
    )]
    pub(crate) domain_id: Option<String>,
}

/// The domain of a body.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DomainParams {
    /// The tenant, if the body does not name it.
    #[serde(default, deserialize_with = "id")]
    #[param(
        min_length = 1,
        max_length = 256,
        example = "domain-67094cea8ca4",
        nullable = false
    )]
    pub(crate) domain_id: Option<String>,
}

/// The tenant, which must be given.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct TenantParams {
    /// The tenant.
    // Optional, so that a misspelt name is reported before the missing one.
    #[serde(default, deserialize_with = "id")]
    #[param(
        value_type = String,
        required = true,
        min_length = 1,
        max_length = 256,
        example = "domain-67094cea8ca4"
    )]
    pub(crate) domain_id: Option<String>,
}

/// How jobs are added.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AddParams {
    /// The tenant, if the jobs do not name it.
    #[serde(default, deserialize_with = "id")]
    #[param(
        min_length = 1,
        max_length = 256,
        example = "domain-67094cea8ca4",
        nullable = false
    )]
    pub(crate) domain_id: Option<String>,
    /// What happens to a job that exists already: it is replaced, or stays as it is (`skip`), or no job at all is added
    /// (`fail`). With `skip`, and ids of your own, a request may be sent again.
    #[param(inline, example = "skip", nullable = false)]
    pub(crate) on_conflict: Option<OnConflict>,
}

/// What happens to a job that exists already.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename = "value", rename_all = "lowercase")]
#[schema(default = "replace")]
pub(crate) enum OnConflict {
    Replace,
    Skip,
    Fail,
}

impl From<OnConflict> for store::OnConflict {
    fn from(on_conflict: OnConflict) -> Self {
        match on_conflict {
            OnConflict::Replace => Self::Replace,
            OnConflict::Skip => Self::Skip,
            OnConflict::Fail => Self::Fail,
        }
    }
}

/// Which requests of the journal.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct JournalParams {
    /// Requests that name this domain.
    #[param(min_length = 1, example = "domain-67094cea8ca4", nullable = false)]
    pub(crate) domain_id: Option<String>,
    /// Requests that name this job.
    #[param(min_length = 1, example = "job-1", nullable = false)]
    pub(crate) job_id: Option<String>,
    /// Requests for this route.
    #[param(example = "search", nullable = false)]
    pub(crate) route: Option<RouteName>,
    /// Requests with this method.
    #[param(min_length = 1, example = "POST", nullable = false)]
    pub(crate) method: Option<String>,
    /// The path, without the query string; slashes that are doubled or at the end do not matter.
    #[param(
        min_length = 1,
        example = "/inventory/v1/jobs/search",
        nullable = false
    )]
    pub(crate) path: Option<String>,
    /// The status of the answer; `null` finds requests without one.
    #[param(inline, example = 200, nullable = false)]
    pub(crate) status: Option<StatusOrNone>,
    /// A text in the query string or the body.
    #[param(min_length = 1, example = "status", nullable = false)]
    pub(crate) contains: Option<String>,
    /// Requests after the one of this id.
    #[param(minimum = 0, example = 12, nullable = false)]
    pub(crate) after: Option<u64>,
    /// The number of requests to answer, the newest; `total_count` counts them all.
    #[param(minimum = 0, example = 10, nullable = false)]
    pub(crate) limit: Option<u64>,
    /// The number of matching requests to wait for.
    #[serde(default, deserialize_with = "wait_for")]
    #[param(minimum = 0, maximum = 1000, example = 1, nullable = false)]
    pub(crate) wait_for: Option<u64>,
    /// How long `wait_for` waits, in seconds; 10 if left out. Only with `wait_for`.
    #[serde(default, deserialize_with = "timeout")]
    #[param(minimum = 0, maximum = 60, example = 2.5, nullable = false)]
    pub(crate) timeout: Option<f64>,
}

impl JournalParams {
    /// Returns which requests are meant.
    pub(crate) fn filter(self) -> JournalFilter {
        JournalFilter {
            domain_id: self.domain_id,
            job_id: self.job_id,
            route: self.route,
            method: self.method.map(|method| method.to_ascii_uppercase()),
            path: self.path.map(|path| tidy(&path).into_owned()),
            status: self.status.map(|StatusOrNone(status)| status),
            contains: self.contains,
            after: self.after,
        }
    }
}

/// The longest time that a request for the journal waits, in seconds.
const MAX_WAIT_SECONDS: f64 = 60.0;

/// Reads an id that is given.
fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let id = String::deserialize(deserializer)?;
    check_id(&id).map_err(D::Error::custom)?;
    Ok(Some(id))
}

/// Checks the length of an id, as it is checked in documents.
///
/// # Errors
/// The text says how long the id is, and may be.
pub(crate) fn check_id(id: &str) -> Result<(), String> {
    if (1..=MAX_ID_BYTES).contains(&id.len()) {
        Ok(())
    } else {
        let length = id.len();
        Err(format!(
            "is {length} bytes long; expected 1 to {MAX_ID_BYTES}"
        ))
    }
}

fn collectors<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    let count = usize::deserialize(deserializer)?;
    if (1..=MAX_ANSWERED).contains(&count) {
        return Ok(Some(count));
    }
    let expected = format!("a number from 1 to {MAX_ANSWERED}");
    Err(D::Error::invalid_value(
        Unexpected::Unsigned(count as u64),
        &expected.as_str(),
    ))
}

fn wait_for<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let count = u64::deserialize(deserializer)?;
    if count <= MAX_ENTRIES as u64 {
        return Ok(Some(count));
    }
    let expected = format!("a number from 0 to {MAX_ENTRIES}, the size of the journal");
    Err(D::Error::invalid_value(
        Unexpected::Unsigned(count),
        &expected.as_str(),
    ))
}

fn timeout<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let seconds = f64::deserialize(deserializer)?;
    if (0.0..=MAX_WAIT_SECONDS).contains(&seconds) {
        return Ok(Some(seconds));
    }
    let expected = format!("seconds from 0 to {MAX_WAIT_SECONDS}");
    Err(D::Error::invalid_value(
        Unexpected::Float(seconds),
        &expected.as_str(),
    ))
}

/// A status, or `null`.
pub(crate) struct StatusOrNone(Option<u16>);

impl<'de> Deserialize<'de> for StatusOrNone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "null" {
            return Ok(Self(None));
        }
        let status = text.parse().ok();
        match status.filter(|status| (100..600).contains(status)) {
            Some(status) => Ok(Self(Some(status))),
            None => Err(D::Error::invalid_value(
                Unexpected::Str(&text),
                &"a status from 100 to 599, or `null` for requests without an answer",
            )),
        }
    }
}

impl PartialSchema for StatusOrNone {
    fn schema() -> RefOr<Schema> {
        let status = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(100))
            .maximum(Some(599));
        let none = ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(["null"]));
        OneOfBuilder::new()
            .description(Some("A status, or `null`."))
            .item(status)
            .item(none)
            .into()
    }
}

impl ToSchema for StatusOrNone {}

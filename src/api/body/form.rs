//! The media types of bodies: every one by which clients send JSON.

use actix_web::http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};

use crate::api::error::ApiError;

/// The longest media type that an error repeats, in characters.
const MAX_SHOWN_CHARS: usize = 64;

/// What the body of a route is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::api) enum Form {
    /// A JSON text.
    Json,
    /// A JSON merge patch.
    Patch,
    /// Many jobs, whose form is recognised by the content.
    Jobs,
}

impl Form {
    /// Refuses a body of another media type.
    ///
    /// What a page of another site can send without a preflight (forms, plain text, no type) is always refused.
    pub(super) fn check(self, headers: &HeaderMap) -> Result<(), ApiError> {
        let value = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
        let value = String::from_utf8_lossy(value.unwrap_or_default());
        let essence = value.split(';').next().unwrap_or_default();
        let essence = essence.trim().to_ascii_lowercase();
        if self.allows(&essence) {
            return Ok(());
        }
        Err(ApiError::UnsupportedMediaType {
            right: self.usual(),
            found: if essence.is_empty() {
                "without a type".to_owned()
            } else {
                let shown: String = essence.chars().take(MAX_SHOWN_CHARS).collect();
                format!("as {shown}")
            },
        })
    }

    /// Returns the media type that a client sends that knows only one.
    fn usual(self) -> &'static str {
        match self {
            Self::Json | Self::Patch => "application/json",
            Self::Jobs => "application/x-ndjson",
        }
    }

    fn allows(self, essence: &str) -> bool {
        match self {
            Self::Json => is_json(essence),
            // A JSON Patch (RFC 6902) is another language.
            Self::Patch => is_json(essence) && essence != "application/json-patch+json",
            Self::Jobs => is_json(essence) || is_many(essence),
        }
    }
}

/// Returns whether a media type is one of JSON: its own, its names from before that, and every one that is made of it (RFC
/// 6839).
fn is_json(essence: &str) -> bool {
    let Some((kind, subtype)) = essence.split_once('/') else {
        return false;
    };
    let of_json = matches!(subtype, "json" | "x-json") && matches!(kind, "application" | "text");
    let is_made_of_json = subtype
        .strip_suffix("+json")
        .is_some_and(|name| !name.is_empty());
    of_json || is_made_of_json && !kind.is_empty()
}

/// Returns whether a media type is one of many JSON texts, of a table, or of a compressed file.
fn is_many(essence: &str) -> bool {
    let Some(("application" | "text", subtype)) = essence.split_once('/') else {
        return false;
    };
    let subtype = subtype.strip_prefix("x-").unwrap_or(subtype);
    matches!(
        subtype,
        "ndjson"
            | "ldjson"
            | "jsonl"
            | "jsonlines"
            | "json-lines"
            | "json-seq"
            | "json-stream"
            | "csv"
            | "comma-separated-values"
            | "tab-separated-values"
            | "tsv"
            | "gzip"
            | "zstd"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_media_type_of_json_is_taken_and_no_other() {
        let all = [Form::Json, Form::Patch, Form::Jobs];
        for (value, taken_by) in [
            ("application/json", &all[..]),
            ("Application/JSON; charset=utf-8; a=\"b;c\"", &all),
            (" application/json ;", &all),
            ("text/json", &all),
            ("text/x-json", &all),
            ("application/x-json", &all),
            ("application/problem+json", &all),
            ("application/vnd.api+json;version=1", &all),
            ("application/merge-patch+json", &all),
            ("application/json-patch+json", &[Form::Json, Form::Jobs]),
            ("application/x-ndjson", &[Form::Jobs]),
            ("application/ndjson", &[Form::Jobs]),
            ("text/x-ndjson", &[Form::Jobs]),
            ("application/jsonl", &[Form::Jobs]),
            ("application/x-jsonlines", &[Form::Jobs]),
            ("application/json-lines", &[Form::Jobs]),
            ("application/json-seq", &[Form::Jobs]),
            ("application/stream+json", &all),
            ("text/csv; header=present", &[Form::Jobs]),
            ("application/gzip", &[Form::Jobs]),
            ("application/x-gzip", &[Form::Jobs]),
            ("application/zstd", &[Form::Jobs]),
            ("application/x-www-form-urlencoded", &[]),
            ("multipart/form-data; boundary=a", &[]),
            ("text/plain", &[]),
            ("text/plain; application/json", &[]),
            ("text/plain, application/json", &[]),
            ("application/octet-stream", &[]),
            ("application/xml", &[]),
            ("application/+json", &[]),
            ("image/csv", &[]),
            ("json", &[]),
            ("+json", &[]),
            ("/json", &[]),
            ("", &[]),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(value));
            let taken = all.iter().filter(|form| form.check(&headers).is_ok());
            assert!(taken.eq(taken_by), "{value}");
        }
        assert!(Form::Json.check(&HeaderMap::new()).is_err());
    }
}

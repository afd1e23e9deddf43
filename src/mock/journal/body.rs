//! A request or answer body as the journal records it: JSON or text, cut to a limit.

use serde::Serialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

/// The bytes that are recorded of a body and of an answer.
pub const MAX_RECORDED_BYTES: usize = 64 << 10;

/// A recorded body: JSON if it is JSON, else a text, or nothing if there was none.
#[derive(Debug, Default, Serialize)]
#[serde(untagged)]
pub enum RecordedBody {
    Json(Box<RawValue>),
    Text(String),
    #[default]
    Nothing,
}

impl RecordedBody {
    /// Records the first [`MAX_RECORDED_BYTES`] of a body, and returns whether it was longer.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> (Self, bool) {
        if bytes.is_empty() {
            return (Self::Nothing, false);
        }
        if bytes.len() > MAX_RECORDED_BYTES {
            let head = bytes.get(..MAX_RECORDED_BYTES).unwrap_or_default();
            // A character that is cut in two is left out.
            let text = match std::str::from_utf8(head) {
                Err(error) if error.error_len().is_none() => {
                    head.get(..error.valid_up_to()).unwrap_or_default()
                }
                _ => head,
            };
            return (Self::Text(String::from_utf8_lossy(text).into_owned()), true);
        }
        let text = String::from_utf8_lossy(bytes).into_owned();
        if serde_json::from_str::<IgnoredAny>(&text).is_err() {
            return (Self::Text(text), false);
        }
        let body = RawValue::from_string(text).map_or(Self::Nothing, Self::Json);
        (body, false)
    }

    /// Returns the text as it was sent.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Json(json) => json.get(),
            Self::Text(text) => text,
            Self::Nothing => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_recorded_as_json_as_text_or_not_at_all() {
        for (body, expected) in [
            (&b"{\"a\": 1.0}"[..], r#"[{"a": 1.0},false]"#),
            (b"null", "[null,false]"),
            (b"{\"a\": ", r#"["{\"a\": ",false]"#),
            (b"\xff", "[\"\u{fffd}\",false]"),
            (b"", "[null,false]"),
        ] {
            assert_eq!(
                serde_json::to_string(&RecordedBody::from_bytes(body)).unwrap(),
                expected
            );
        }
        let exact = vec![b'x'; MAX_RECORDED_BYTES];
        assert!(!RecordedBody::from_bytes(&exact).1);
        let long = "é".repeat(MAX_RECORDED_BYTES / 2 + 1);
        let (recorded, is_cut) = RecordedBody::from_bytes(format!("x{long}").as_bytes());
        assert!(is_cut);
        assert_eq!(
            recorded.text().len(),
            MAX_RECORDED_BYTES - 1,
            "no half of a character"
        );
    }
}

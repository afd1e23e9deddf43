//! Finds the line and the column of a value in the text of a job.

use super::field_path::{FieldPath, Step};
use crate::json::scan::members;

/// A location in a text: line and column count from 1, the column in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Location {
    pub(super) line: usize,
    pub(super) column: usize,
}

/// Returns where the value at a path begins, or its name; where the way ends early, the last value on it. The empty path is
/// that of the job.
pub(super) fn locate(text: &[u8], path: &FieldPath, is_name: bool) -> Location {
    let mut offset = blank_length(text);
    for (index, step) in path.0.iter().enumerate() {
        let value = text.get(offset..).unwrap_or_default();
        let member = match step {
            Step::Index(index) => members(value).nth(*index),
            Step::Member(name) => members(value).find(|member| {
                let written = member.name.clone().and_then(|range| value.get(range));
                written.is_some_and(|written| {
                    serde_json::from_slice::<String>(written).is_ok_and(|written| written == *name)
                })
            }),
        };
        let Some(member) = member else {
            break;
        };
        let is_last = index + 1 == path.0.len();
        let start = match member.name {
            Some(name) if is_name && is_last => name.start,
            _ => member.value.start,
        };
        offset += start;
    }
    location_of(text, offset)
}

fn blank_length(text: &[u8]) -> usize {
    text.iter()
        .take_while(|byte| byte.is_ascii_whitespace())
        .count()
}

fn location_of(text: &[u8], offset: usize) -> Location {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |end| end + 1);
    Location {
        line: before.split(|byte| *byte == b'\n').count(),
        column: 1 + before.len() - line_start,
    }
}

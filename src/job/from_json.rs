//! Parses one job or draft from JSON text; an error has its line, column and field.

use serde::de::DeserializeOwned;

use crate::json::ObjectOnly;

/// Why a text is not a job: line, column, field and problem.
#[derive(Debug, thiserror::Error)]
#[error("column {column}{}: {problem}", field_clause(.field))]
pub struct JobTextError {
    /// 1-based line within the text.
    pub line: usize,
    /// 1-based column within the line.
    pub column: usize,
    /// The id of the job, where it can be read.
    pub job_id: Option<String>,
    /// The dotted path of the field; empty for the job itself.
    pub field: String,
    /// What is wrong and what is expected.
    pub problem: String,
}

fn field_clause(field: &str) -> String {
    if field.is_empty() {
        String::new()
    } else {
        format!(", field {field}")
    }
}

/// Reads a job, or a draft of one, from JSON text.
///
/// # Errors
/// [`JobTextError`] when the text is not JSON, a field is unknown or missing, or a value has the wrong type.
pub fn from_json<T: DeserializeOwned>(text: &[u8]) -> Result<T, JobTextError> {
    match serde_json::from_slice::<ObjectOnly<T>>(text) {
        Ok(ObjectOnly(read)) => Ok(read),
        // Tracking the path costs time, so only a text that can't be read is read again with it.
        Err(error) => Err(explain::<T>(text, &error)),
    }
}

fn explain<T: DeserializeOwned>(text: &[u8], first: &serde_json::Error) -> JobTextError {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let field = match serde_path_to_error::deserialize::<_, ObjectOnly<T>>(&mut deserializer) {
        Err(error) if !error.inner().is_syntax() && !error.inner().is_eof() => {
            field_name(error.path())
        }
        _ => String::new(),
    };
    JobTextError {
        field,
        ..JobTextError::from_json_error(first)
    }
}

impl JobTextError {
    /// Makes it of an error of the JSON parser.
    pub(super) fn from_json_error(error: &serde_json::Error) -> Self {
        let problem = error.to_string();
        let location = format!(" at line {} column {}", error.line(), error.column());
        Self {
            line: error.line(),
            // The parser has not begun where an outermost value is of the wrong type.
            column: error.column().max(1),
            job_id: None,
            field: String::new(),
            problem: problem
                .strip_suffix(&location)
                .unwrap_or(&problem)
                .to_owned(),
        }
    }
}

/// Writes a path as `errors[1].code`; the path of the whole value is empty.
fn field_name(path: &serde_path_to_error::Path) -> String {
    let name = path.to_string();
    if name == "." { String::new() } else { name }
}

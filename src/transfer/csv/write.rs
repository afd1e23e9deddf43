//! Writes jobs as CSV.

use std::borrow::Cow;

use csv::{Terminator, WriterBuilder};
use serde::Deserialize;

use super::columns::COLUMNS;
use super::escape::{escape_formula, join};
use crate::time::Timestamp;

/// The byte order mark, without which a spreadsheet takes UTF-8 for the encoding of its country.
const MARK: &str = "\u{feff}";

/// The fields of a document that make columns; `only` may have left out any of them.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Columns<'d> {
    #[serde(borrow)]
    job_id: Text<'d>,
    domain_id: Text<'d>,
    status: Text<'d>,
    collector_info: Option<CollectorColumns<'d>>,
    project_id: Text<'d>,
    total_tasks: Option<i64>,
    remained_tasks: Option<i64>,
    errors: Option<Vec<ErrorColumns<'d>>>,
    created_at: Text<'d>,
    updated_at: Text<'d>,
    finished_at: Text<'d>,
    success_tasks: Option<i64>,
    failure_tasks: Option<i64>,
    workspace_id: Text<'d>,
    resource_group: Text<'d>,
    secret_id: Text<'d>,
    request_secret_id: Text<'d>,
    request_workspace_id: Text<'d>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct CollectorColumns<'d> {
    #[serde(borrow, rename = "collector_id")]
    id: Text<'d>,
    name: Text<'d>,
    provider: Text<'d>,
    plugin_info: Option<PluginColumns<'d>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct PluginColumns<'d> {
    #[serde(borrow, rename = "plugin_id")]
    id: Text<'d>,
    version: Text<'d>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ErrorColumns<'d> {
    #[serde(borrow)]
    error_code: Text<'d>,
    message: Text<'d>,
}

/// A text that may be missing or null; borrowed from the document if nothing in it is escaped.
#[derive(Deserialize, Default)]
struct Text<'d>(#[serde(borrow)] Option<Cow<'d, str>>);

impl Text<'_> {
    fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }
}

/// Appends a byte order mark and the first line, which names the columns.
pub fn write_head(out: &mut Vec<u8>) {
    out.extend_from_slice(MARK.as_bytes());
    write_line(&COLUMNS.map(|column| Cow::Borrowed(column.name)), out);
}

/// Appends the line of a job, made from its document; a column without a value is empty.
///
/// # Errors
/// When the text is not a job's document, whole or as `only` shapes it.
pub fn write_job(document: &str, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
    let row: Columns = serde_json::from_str(document)?;
    let collector = row.collector_info.unwrap_or_default();
    let plugin = collector.plugin_info.unwrap_or_default();
    let errors = row.errors.as_deref();
    let number =
        |number: Option<i64>| Cow::Owned(number.map_or_else(String::new, |n| n.to_string()));
    let joined = |text: for<'e> fn(&'e ErrorColumns) -> &'e str| {
        let texts = errors.unwrap_or_default().iter().map(text);
        Cow::Owned(escape_formula(&join(texts)).into_owned())
    };
    let cells = [
        escape_formula(row.job_id.as_str()),
        escape_formula(row.domain_id.as_str()),
        escape_formula(row.status.as_str()),
        escape_formula(collector.id.as_str()),
        escape_formula(collector.name.as_str()),
        escape_formula(collector.provider.as_str()),
        escape_formula(plugin.id.as_str()),
        escape_formula(plugin.version.as_str()),
        escape_formula(row.project_id.as_str()),
        number(row.total_tasks),
        number(row.remained_tasks),
        number(errors.map(|errors| i64::try_from(errors.len()).unwrap_or(i64::MAX))),
        joined(|error| error.error_code.as_str()),
        joined(|error| error.message.as_str()),
        row.created_at.as_str().into(),
        row.updated_at.as_str().into(),
        row.finished_at.as_str().into(),
        duration_seconds(row.created_at.as_str(), row.finished_at.as_str()).into(),
        number(row.success_tasks),
        number(row.failure_tasks),
        escape_formula(row.workspace_id.as_str()),
        escape_formula(row.resource_group.as_str()),
        escape_formula(row.secret_id.as_str()),
        escape_formula(row.request_secret_id.as_str()),
        escape_formula(row.request_workspace_id.as_str()),
    ];
    write_line(&cells, out);
    Ok(())
}

/// Returns the seconds from creation to end, with milliseconds; empty while the job runs.
fn duration_seconds(created_at: &str, finished_at: &str) -> String {
    let millis = |text: &str| Timestamp::parse_rfc3339(text).map(Timestamp::millis);
    match (millis(created_at), millis(finished_at)) {
        (Ok(from), Ok(to)) => {
            let (sign, length) = (if to < from { "-" } else { "" }, to.abs_diff(from));
            format!("{sign}{}.{:03}", length / 1_000, length % 1_000)
        }
        _ => String::new(),
    }
}

fn write_line(cells: &[Cow<'_, str>; COLUMNS.len()], out: &mut Vec<u8>) {
    const LINE_BYTES: usize = 1 << 10;
    let mut writer = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .buffer_capacity(LINE_BYTES)
        .from_writer(out);
    // Writing to a Vec can't fail, and every line has the same number of cells.
    let _ = writer.write_record(cells.iter().map(|cell| cell.as_bytes()));
    let _ = writer.flush();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(document: &str, expected: &str) {
        let mut out = Vec::new();
        write_job(document, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), format!("{expected}\r\n"));
    }

    #[test]
    fn a_job_makes_one_line() {
        check(
            r#"{"job_id":"j","status":"ERROR","filter":{},"total_tasks":3,"remained_tasks":-1,
                "errors":[{"error_code":"A","message":"one, \"two\"","additional":{"x":1}},{"message":"three"}],
                "collector_info":{"collector_id":"c","name":"n","provider":null,"plugin_info":{"plugin_id":"p","version":"1","options":{}},"x":[]},
                "domain_id":"d","created_at":"2026-01-01T00:00:00.000Z","updated_at":"2026-01-01T00:00:02.000Z","finished_at":"2026-01-01T00:01:01.500Z"}"#,
            r#"j,d,ERROR,c,n,,p,1,,3,-1,2,A | ,"one, ""two"" | three",2026-01-01T00:00:00.000Z,2026-01-01T00:00:02.000Z,2026-01-01T00:01:01.500Z,61.500,,,,,,,"#,
        );
        check(
            r#"{"errors":[{}],"success_tasks":2,"failure_tasks":0,"workspace_id":"w","resource_group":"DOMAIN","secret_id":"s","request_secret_id":"r","request_workspace_id":"q"}"#,
            ",,,,,,,,,,,1,,,,,,,2,0,w,DOMAIN,s,r,q",
        );
    }

    #[test]
    fn a_cell_is_never_a_formula() {
        check(
            r#"{"job_id":"=1","collector_info":{"name":"'+1"},"errors":[{"message":"-1"},{"message":"a | b"}]}"#,
            "'=1,,,,''+1,,,,,,,2,|,'-1 | a \\| b,,,,,,,,,,,"
                .replace(",2,|,", ",2, | ,")
                .as_str(),
        );
        check(
            r#"{"errors":[{"message":"\r=1"}]}"#,
            ",,,,,,,,,,,1,,\"'\r=1\",,,,,,,,,,,",
        );
    }

    #[test]
    fn the_first_line_names_each_column() {
        let mut out = Vec::new();
        write_head(&mut out);
        assert_eq!(
            String::from_utf8(out)
                .unwrap()
                .trim_end()
                .split(',')
                .count(),
            COLUMNS.len()
        );
    }
}

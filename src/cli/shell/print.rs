//! The formats that commands print, and rows that are read from an answer as it comes.

use std::fmt;
use std::io::{IsTerminal, Read, Write};

use clap::ValueEnum;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::cli::failure::Failure;
use crate::cli::output::output_failure;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum PrintFormat {
    /// For people
    Table,
    /// The answer of the API, as it is
    Json,
    /// One result, as JSON, a line
    Ndjson,
    /// For spreadsheets
    Csv,
}

/// Prints lines to standard output.
pub(in crate::cli) fn print_lines(lines: &[String]) -> Result<(), Failure> {
    let mut text = lines.join("\n");
    text.push('\n');
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|source| output_failure("standard output", source))
}

/// Prints a hint for a person on standard error, where that and standard output are a terminal.
pub(in crate::cli) fn hint(text: &str) {
    let mut error = std::io::stderr();
    if error.is_terminal() && std::io::stdout().is_terminal() {
        // A terminal that is gone shows nothing.
        let _ = writeln!(error, "{text}");
    }
}

/// Returns a row of CSV.
pub(in crate::cli) fn csv_row<'c>(cells: impl Iterator<Item = &'c str>) -> Result<Vec<u8>, String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer
        .write_record(cells)
        .map_err(|error| error.to_string())?;
    writer.into_inner().map_err(|error| error.to_string())
}

/// Passes each result of an answer, as its JSON, to `each`; returns `total_count`, where the answer has one.
pub(in crate::cli) fn json_rows(
    answer: impl Read,
    each: &mut dyn FnMut(&str) -> Result<(), String>,
) -> Result<Option<u64>, serde_json::Error> {
    let buffered = std::io::BufReader::with_capacity(64 << 10, answer);
    let mut deserializer = serde_json::Deserializer::from_reader(buffered);
    let total = Answer(each).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(total)
}

struct Answer<'e>(&'e mut dyn FnMut(&str) -> Result<(), String>);

impl<'de> DeserializeSeed<'de> for Answer<'_> {
    type Value = Option<u64>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Answer<'_> {
    type Value = Option<u64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an answer of jobdeck")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut total = None;
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "results" => map.next_value_seed(Results(&mut *self.0))?,
                "total_count" => total = Some(map.next_value()?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(total)
    }
}

struct Results<'e>(&'e mut dyn FnMut(&str) -> Result<(), String>);

impl<'de> DeserializeSeed<'de> for Results<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Results<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of results")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut results: A) -> Result<(), A::Error> {
        while let Some(result) = results.next_element::<Box<RawValue>>()? {
            (self.0)(result.get()).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_passed_on_as_they_come() {
        let read = |text: &str| {
            let mut rows = Vec::new();
            let total = json_rows(text.as_bytes(), &mut |row| {
                rows.push(row.to_owned());
                Ok(())
            });
            total
                .map(|total| (rows, total))
                .map_err(|error| error.to_string())
        };
        let rows = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let answer = r#"{"results":[{"a":1},"x",null],"total_count":7}"#;
        assert_eq!(
            read(answer),
            Ok((rows(&[r#"{"a":1}"#, r#""x""#, "null"]), Some(7)))
        );
        assert_eq!(read(r#"{"more":[1],"results":[]}"#), Ok((Vec::new(), None)));
        for broken in ["", "{\"results\":[1,", "{\"results\":[1]", "[]", "{}x"] {
            assert!(read(broken).is_err(), "{broken}");
        }
    }
}

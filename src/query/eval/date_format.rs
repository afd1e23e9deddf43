//! `date_format` of a group key: MongoDB's `$dateToString` specifiers in UTC, and the parts `year`, `month`, `day`.

use std::fmt::Write;

use jiff::civil::{DateTime, Weekday};

use crate::query::eval::value::MongoValue;
use crate::time::Timestamp;

/// A checked format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DateFormat(Format);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Format {
    Year,
    Month,
    Day,
    Text(Vec<Part>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    /// The letter after the `%`.
    Specifier(char),
}

/// The letters of the specifiers. Rule: the conformance notes, `date_format`.
const SPECIFIERS: &str = "Y m d H M S L j u w U V G z %";

/// A unit of time. All times of one unit have the same text in a format, and times of different units have different
/// texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Span {
    Day,
    Hour,
    Minute,
    Second,
}

impl Span {
    /// The length of the unit.
    #[must_use]
    pub fn millis(self) -> i64 {
        match self {
            Self::Day => 86_400_000,
            Self::Hour => 3_600_000,
            Self::Minute => 60_000,
            Self::Second => 1_000,
        }
    }
}

impl DateFormat {
    /// Checks a format.
    ///
    /// # Errors
    /// A sentence about an unknown specifier or a lone `%`.
    pub fn new(text: &str) -> Result<Self, String> {
        match text {
            "year" => return Ok(Self(Format::Year)),
            "month" => return Ok(Self(Format::Month)),
            "day" => return Ok(Self(Format::Day)),
            _ => {}
        }
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut letters = text.chars();
        while let Some(letter) = letters.next() {
            if letter != '%' {
                literal.push(letter);
                continue;
            }
            match letters.next() {
                Some('%') => literal.push('%'),
                Some(specifier)
                    if SPECIFIERS
                        .split(' ')
                        .any(|known| known.starts_with(specifier)) =>
                {
                    if !literal.is_empty() {
                        parts.push(Part::Literal(std::mem::take(&mut literal)));
                    }
                    parts.push(Part::Specifier(specifier));
                }
                Some(other) => {
                    return Err(format!(
                        "unknown specifier `%{other}`; known are {}",
                        known_specifiers()
                    ));
                }
                None => return Err("ends in a lone `%`; write `%%` for a percent sign".to_owned()),
            }
        }
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Self(Format::Text(parts)))
    }

    /// Returns the unit of time that texts in this format identify; `None` where they do not identify one.
    ///
    /// Times can then be grouped by the number of their unit, and each group is formatted once.
    #[must_use]
    pub fn span(&self) -> Option<Span> {
        let Format::Text(parts) = &self.0 else {
            return None;
        };
        let has = |specifier| parts.contains(&Part::Specifier(specifier));
        let has_whole_date =
            has('Y') && (has('j') || (has('m') && has('d'))) || (has('G') && has('V') && has('u'));
        let finest = [
            ('L', None),
            ('S', Some(Span::Second)),
            ('M', Some(Span::Minute)),
            ('H', Some(Span::Hour)),
        ]
        .into_iter()
        .find_map(|(specifier, span)| has(specifier).then_some(span))
        .unwrap_or(Some(Span::Day))?;
        let coarser = [(Span::Minute, 'M'), (Span::Hour, 'H')];
        let is_complete = coarser
            .into_iter()
            .all(|(span, specifier)| span > finest || has(specifier));
        (has_whole_date && is_complete).then_some(finest)
    }

    /// Returns a unit of time of which all times have the same text; units of different times may have the same text.
    /// `None` where there is none of at least an hour.
    #[must_use]
    pub(in crate::query) fn unit(&self) -> Option<Span> {
        let has = |letters: &str| match &self.0 {
            Format::Year | Format::Month | Format::Day => false,
            Format::Text(parts) => parts
                .iter()
                .any(|part| matches!(part, Part::Specifier(letter) if letters.contains(*letter))),
        };
        if has("MSL") {
            None
        } else if has("H") {
            Some(Span::Hour)
        } else {
            Some(Span::Day)
        }
    }

    /// Whether all times of a day have the same text.
    #[must_use]
    pub fn is_same_all_day(&self) -> bool {
        let is_finer_than_day =
            |part: &Part| matches!(part, Part::Specifier('H' | 'M' | 'S' | 'L'));
        match &self.0 {
            Format::Year | Format::Month | Format::Day => true,
            Format::Text(parts) => !parts.iter().any(is_finer_than_day),
        }
    }

    /// Returns the text, or for `year`, `month` and `day` the number, of a time.
    #[must_use]
    pub fn format(&self, time: Timestamp) -> MongoValue {
        let civil = time.civil();
        match &self.0 {
            Format::Year => MongoValue::Integer(civil.year().into()),
            Format::Month => MongoValue::Integer(civil.month().into()),
            Format::Day => MongoValue::Integer(civil.day().into()),
            Format::Text(parts) => {
                let mut out = String::new();
                for part in parts {
                    // Writing to a String can't fail.
                    let _ = match part {
                        Part::Literal(text) => out.write_str(text),
                        Part::Specifier(specifier) => {
                            write_specifier(*specifier, civil, time, &mut out)
                        }
                    };
                }
                MongoValue::Text(out)
            }
        }
    }
}

fn known_specifiers() -> String {
    SPECIFIERS
        .split(' ')
        .map(|letter| format!("%{letter}"))
        .collect::<Vec<_>>()
        .join(" ")
}

fn write_specifier(
    specifier: char,
    civil: DateTime,
    time: Timestamp,
    out: &mut String,
) -> std::fmt::Result {
    let date = civil.date();
    match specifier {
        'Y' => write!(out, "{:04}", civil.year()),
        'm' => write!(out, "{:02}", civil.month()),
        'd' => write!(out, "{:02}", civil.day()),
        'H' => write!(out, "{:02}", civil.hour()),
        'M' => write!(out, "{:02}", civil.minute()),
        'S' => write!(out, "{:02}", civil.second()),
        'L' => write!(out, "{:03}", time.subsec_millis()),
        'j' => write!(out, "{:03}", date.day_of_year()),
        'u' => write!(out, "{}", date.weekday().to_monday_one_offset()),
        'w' => write!(out, "{}", date.weekday().to_sunday_one_offset()),
        'U' => {
            // Weeks begin on Sunday; the days before the year's first Sunday are week 0.
            let since_sunday = i16::from(date.weekday().since(Weekday::Sunday));
            write!(out, "{:02}", (date.day_of_year() + 6 - since_sunday) / 7)
        }
        'V' => write!(out, "{:02}", date.iso_week_date().week()),
        'G' => write!(out, "{:04}", date.iso_week_date().year()),
        'z' => out.write_str("+0000"),
        other => out.write_char(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(format: &str, time: &str, expected: &str) {
        let timestamp = Timestamp::parse_rfc3339(time).unwrap();
        let got = match DateFormat::new(format) {
            Ok(format) => match format.format(timestamp) {
                MongoValue::Text(text) => text,
                other => format!("{other:?}"),
            },
            Err(problem) => problem,
        };
        assert_eq!(got, expected, "{format}");
    }

    #[test]
    fn each_specifier_is_written_as_mongodb_does() {
        const SUNDAY: &str = "2022-01-02T23:04:05.006Z";
        for (format, expected) in [
            ("%Y-%m-%d %H:%M:%S.%L", "2022-01-02 23:04:05.006"),
            ("%j %u %w %U %V %G %z %%", "002 7 1 01 52 2021 +0000 %"),
            ("%Y년", "2022년"),
            ("year", "Integer(2022)"),
            ("month", "Integer(1)"),
            ("day", "Integer(2)"),
            ("", ""),
            (
                "%y",
                "unknown specifier `%y`; known are %Y %m %d %H %M %S %L %j %u %w %U %V %G %z %%",
            ),
            (
                "% ",
                "unknown specifier `% `; known are %Y %m %d %H %M %S %L %j %u %w %U %V %G %z %%",
            ),
            ("100%", "ends in a lone `%`; write `%%` for a percent sign"),
        ] {
            check(format, SUNDAY, expected);
        }
        check("%U", "2022-01-01T00:00:00Z", "00");
        check("%U", "2022-12-31T00:00:00Z", "52");
        check("%U", "2023-01-01T00:00:00Z", "01");
    }

    #[test]
    fn a_format_that_names_a_whole_unit_has_a_span() {
        for (format, expected) in [
            ("%Y-%m-%d", Some(Span::Day)),
            ("%d.%m.%Y (%j)", Some(Span::Day)),
            ("%G-W%V-%u", Some(Span::Day)),
            ("%Y-%m-%dT%H", Some(Span::Hour)),
            ("%Y-%m-%dT%H:%M", Some(Span::Minute)),
            ("%Y-%m-%dT%H:%M:%S", Some(Span::Second)),
            ("%Y-%m-%dT%H:%M:%S.%L", None),
            ("%Y-%m-%d %M", None),
            ("%Y-%m", None),
            ("%m-%d", None),
            ("day", None),
        ] {
            assert_eq!(
                DateFormat::new(format).unwrap().span(),
                expected,
                "{format}"
            );
        }
    }
}

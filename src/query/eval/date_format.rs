//! `date_format` of a group key: MongoDB's `$dateToString` specifiers in UTC, and the parts `year`, `month`, `day`.

use std::fmt::Write;

use jiff::civil::{DateTime, Weekday};

use crate::query::eval::value::MongoValue;
use crate::time::Timestamp;

/// A checked format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DateFormat(Kind);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Year,
    Month,
    Day,
    Text(Vec<Piece>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Literal(String),
    /// The letter behind the `%`.
    Specifier(char),
}

/// The specifiers and what they give. Rule: the conformance notes, `date_format`.
const SPECIFIERS: &str = "Y m d H M S L j u w U V G z %";

/// A span of time that a whole group of moments shares, for formats that differ exactly where the span does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Span {
    Day,
    Hour,
    Minute,
    Second,
}

impl Span {
    /// The span's length.
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
    /// A sentence about the specifier that is unknown.
    pub fn new(text: &str) -> Result<Self, String> {
        match text {
            "year" => return Ok(Self(Kind::Year)),
            "month" => return Ok(Self(Kind::Month)),
            "day" => return Ok(Self(Kind::Day)),
            _ => {}
        }
        let mut pieces = Vec::new();
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
                        pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                    }
                    pieces.push(Piece::Specifier(specifier));
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
            pieces.push(Piece::Literal(literal));
        }
        Ok(Self(Kind::Text(pieces)))
    }

    /// The span within which all moments give the same text, when moments of different spans give different texts.
    ///
    /// Moments can then be grouped by the number of their span, and each group be formatted once.
    #[must_use]
    pub fn span(&self) -> Option<Span> {
        let Kind::Text(pieces) = &self.0 else {
            return None;
        };
        let has = |specifier| pieces.contains(&Piece::Specifier(specifier));
        let names_the_day =
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
        (names_the_day && is_complete).then_some(finest)
    }

    /// Whether all moments of a day give the same.
    #[must_use]
    pub fn is_of_days(&self) -> bool {
        let is_within_a_day =
            |piece: &Piece| matches!(piece, Piece::Specifier('H' | 'M' | 'S' | 'L'));
        match &self.0 {
            Kind::Year | Kind::Month | Kind::Day => true,
            Kind::Text(pieces) => !pieces.iter().any(is_within_a_day),
        }
    }

    /// The text or number of a moment.
    #[must_use]
    pub fn format(&self, moment: Timestamp) -> MongoValue {
        let at = moment.civil();
        match &self.0 {
            Kind::Year => MongoValue::Integer(at.year().into()),
            Kind::Month => MongoValue::Integer(at.month().into()),
            Kind::Day => MongoValue::Integer(at.day().into()),
            Kind::Text(pieces) => {
                let mut out = String::new();
                for piece in pieces {
                    // Writing to a String can't fail.
                    let _ = match piece {
                        Piece::Literal(text) => out.write_str(text),
                        Piece::Specifier(specifier) => {
                            write_specifier(*specifier, at, moment, &mut out)
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
    at: DateTime,
    moment: Timestamp,
    out: &mut String,
) -> std::fmt::Result {
    let date = at.date();
    match specifier {
        'Y' => write!(out, "{:04}", at.year()),
        'm' => write!(out, "{:02}", at.month()),
        'd' => write!(out, "{:02}", at.day()),
        'H' => write!(out, "{:02}", at.hour()),
        'M' => write!(out, "{:02}", at.minute()),
        'S' => write!(out, "{:02}", at.second()),
        'L' => write!(out, "{:03}", moment.subsec_millis()),
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
        let moment = Timestamp::parse_rfc3339(time).unwrap();
        let got = match DateFormat::new(format) {
            Ok(format) => match format.format(moment) {
                MongoValue::Text(text) => text,
                other => format!("{other:?}"),
            },
            Err(problem) => problem,
        };
        assert_eq!(got, expected, "{format}");
    }

    #[test]
    fn specifiers() {
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
    fn spans() {
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

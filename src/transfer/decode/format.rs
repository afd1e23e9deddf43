//! `Format`: what the bytes of a source are, by their beginning.

/// What a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// UTF-8, perhaps with a mark, until something else is found in it.
    Text,
    Utf16(ByteOrder),
    Gzip,
    Zstd,
    /// Something that is not read, with what it is and what to do.
    Foreign(&'static str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ByteOrder {
    Little,
    Big,
}

const ZIP: &str = "is a ZIP archive; unpack it, and name the files in it";
const WORKBOOK: &str = "is a workbook of a spreadsheet; save it there as CSV UTF-8";
const COMPRESSED: &str =
    "is compressed in a way that is not read; decompress it, or compress it by gzip or zstd";
const TABLE: &str = "is a binary table; write it as NDJSON or CSV, for example with DuckDB";
const UTF16_WITHOUT_MARK: &str =
    "is UTF-16 without a byte order mark; save it with one, or as UTF-8";

/// The formats that are recognised by a mark at an index.
const MARKS: [(usize, &[u8], Format); 26] = [
    (0, b"\x1f\x8b", Format::Gzip),
    (0, b"\x28\xb5\x2f\xfd", Format::Zstd),
    (
        0,
        b"\xff\xfe\0\0",
        Format::Foreign("is UTF-32; save it as UTF-8"),
    ),
    (
        0,
        b"\0\0\xfe\xff",
        Format::Foreign("is UTF-32; save it as UTF-8"),
    ),
    (0, b"\xff\xfe", Format::Utf16(ByteOrder::Little)),
    (0, b"\xfe\xff", Format::Utf16(ByteOrder::Big)),
    (0, b"{\0", Format::Foreign(UTF16_WITHOUT_MARK)),
    (0, b"[\0", Format::Foreign(UTF16_WITHOUT_MARK)),
    (0, b"\0{", Format::Foreign(UTF16_WITHOUT_MARK)),
    (0, b"\0[", Format::Foreign(UTF16_WITHOUT_MARK)),
    (0, b"PK\x05\x06", Format::Foreign(ZIP)),
    (
        0,
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        Format::Foreign(WORKBOOK),
    ),
    (
        0,
        b"SQLite format 3\0",
        Format::Foreign(
            "is a SQLite database; `jobdeck export --db FILE` writes the jobs of one that jobdeck made",
        ),
    ),
    (0, b"PAR1", Format::Foreign(TABLE)),
    (0, b"Obj\x01", Format::Foreign(TABLE)),
    (0, b"ORC", Format::Foreign(TABLE)),
    (0, b"ARROW1", Format::Foreign(TABLE)),
    (
        257,
        b"ustar",
        Format::Foreign("is a tar archive; unpack it, and name the files in it"),
    ),
    (0, b"BZh", Format::Foreign(COMPRESSED)),
    (0, b"\xfd7zXZ\0", Format::Foreign(COMPRESSED)),
    (0, b"\x04\x22\x4d\x18", Format::Foreign(COMPRESSED)),
    (0, b"7z\xbc\xaf\x27\x1c", Format::Foreign(COMPRESSED)),
    (0, b"\x1f\x9d", Format::Foreign(COMPRESSED)),
    (0, b"\xff\x06\0\0sNaPpY", Format::Foreign(COMPRESSED)),
    (
        4,
        b"\x07_id\0",
        Format::Foreign("is BSON, as `mongodump` writes it; `mongoexport` writes JSON"),
    ),
    (
        0,
        b"%PDF-",
        Format::Foreign("is a PDF document, and no jobs"),
    ),
];

impl Format {
    /// Recognises a source by its first bytes.
    pub(super) fn of(head: &[u8]) -> Self {
        let has_mark = |(at, mark, _): &&(usize, &[u8], Self)| {
            head.get(*at..).is_some_and(|rest| rest.starts_with(mark))
        };
        if let Some((_, _, format)) = MARKS.iter().find(has_mark) {
            return *format;
        }
        match head {
            // A frame that is to be skipped.
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            [b'P', b'K', 3, 4, ..] => {
                let names: [&[u8]; 3] = [b"[Content_Types].xml", b"xl/", b"application/vnd.oasis"];
                let is_workbook = names
                    .iter()
                    .any(|name| head.windows(name.len()).any(|window| window == *name));
                Self::Foreign(if is_workbook { WORKBOOK } else { ZIP })
            }
            _ => {
                let text = head.trim_ascii_start();
                let begins = |tag: &[u8]| {
                    text.get(..tag.len())
                        .is_some_and(|start| start.eq_ignore_ascii_case(tag))
                };
                if begins(b"<!doctype html") || begins(b"<html") {
                    Self::Foreign("is an HTML page, perhaps of an error or a login, and no jobs")
                } else if begins(b"<?xml") {
                    Self::Foreign("is XML, and no jobs")
                } else {
                    Self::Text
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_recognised_by_their_beginning() {
        let tar = [&[b'a'; 257][..], b"ustar\0"].concat();
        let workbook = b"PK\x03\x04\x14\0\x06\0\x08\0\0\0!\0[Content_Types].xml";
        for (head, expected) in [
            (&b""[..], Format::Text),
            (b"{\"job_id\"", Format::Text),
            (b"\xef\xbb\xbf{", Format::Text),
            (b"\x1f\x8b\x08\0", Format::Gzip),
            (b"\x28\xb5\x2f\xfd\x04", Format::Zstd),
            (b"\x51\x2a\x4d\x18", Format::Zstd),
            (b"\xff\xfe{\0", Format::Utf16(ByteOrder::Little)),
            (b"\xfe\xff\0{", Format::Utf16(ByteOrder::Big)),
            (b"{\0\"\0", Format::Foreign(UTF16_WITHOUT_MARK)),
            (b"PK\x03\x04\x14\0jobs.json", Format::Foreign(ZIP)),
            (workbook, Format::Foreign(WORKBOOK)),
            (b"BZh91AY", Format::Foreign(COMPRESSED)),
            (b"PAR1\x15", Format::Foreign(TABLE)),
        ] {
            assert_eq!(Format::of(head), expected, "{head:?}");
        }
        for (head, expected) in [
            (&tar[..], "is a tar archive"),
            (b"\xff\xfe\0\0{\0\0\0", "is UTF-32"),
            (b"SQLite format 3\0", "is a SQLite database"),
            (b"\x9a\0\0\0\x07_id\0abc", "is BSON"),
            (b"\n<!DOCTYPE html>", "is an HTML page"),
            (b"<?xml version", "is XML"),
        ] {
            let Format::Foreign(problem) = Format::of(head) else {
                panic!("{head:?}");
            };
            assert!(problem.starts_with(expected), "{problem}");
        }
    }
}

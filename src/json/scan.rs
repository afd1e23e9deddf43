//! Finds where values lie in JSON text, without reading them.
//!
//! Only brackets and strings are looked at. What a scan takes for a value need not be JSON: a parser of the value has the
//! last word.

use std::ops::Range;

/// A member of an object, or an element of an array: where its name and its value lie in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The name with its quotes; `None` for an element of an array.
    pub name: Option<Range<usize>>,
    pub value: Range<usize>,
}

/// The members of an object, or the elements of an array, in the order of the text.
#[derive(Debug, Clone)]
pub struct Members<'t> {
    text: &'t [u8],
    /// Where the scan goes on; `None` when it has ended.
    next: Option<usize>,
    is_object: bool,
}

/// Returns the members of the object, or the elements of the array, that a text begins with.
///
/// They end with the bracket that closes the value, or where the text is no JSON.
#[must_use]
pub fn members(text: &[u8]) -> Members<'_> {
    let start = skip_blank(text, 0);
    let first = text.get(start);
    Members {
        text,
        next: matches!(first, Some(b'{' | b'[')).then_some(start + 1),
        is_object: first == Some(&b'{'),
    }
}

impl Members<'_> {
    /// Reads a member and the comma after it; returns `None` where there is no further one.
    fn member(&self, from: usize) -> Option<(Member, Option<usize>)> {
        let text = self.text;
        let mut at = skip_blank(text, from);
        let mut name = None;
        if self.is_object {
            let end = (text.get(at) == Some(&b'"')).then(|| end_of_value(text, at))??;
            name = Some(at..end);
            let colon = skip_blank(text, end);
            if text.get(colon) != Some(&b':') {
                return None;
            }
            at = skip_blank(text, colon + 1);
        }
        let end = end_of_value(text, at)?;
        let comma = skip_blank(text, end);
        let next = (text.get(comma) == Some(&b',')).then_some(comma + 1);
        let value = at..end;
        Some((Member { name, value }, next))
    }
}

impl Iterator for Members<'_> {
    type Item = Member;

    fn next(&mut self) -> Option<Member> {
        let from = self.next.take()?;
        let (member, next) = self.member(from)?;
        self.next = next;
        Some(member)
    }
}

/// Returns the index of the first byte from `from` on that is no white space.
fn skip_blank(text: &[u8], from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    let blank = rest.iter().take_while(|byte| is_blank(**byte)).count();
    from + blank
}

/// Whether a byte is white space in JSON.
#[must_use]
pub fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Returns where the value that begins at `from` ends; `None` where it does not end, or none begins.
fn end_of_value(text: &[u8], from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    if !matches!(rest.first()?, b'{' | b'[' | b'"') {
        let length = scalar_len(rest);
        return (length > 0).then_some(from + length);
    }
    match ValueEnd::default().scan(rest) {
        Scanned::End(length) => Some(from + length),
        Scanned::Unfinished | Scanned::Mismatch(_) | Scanned::LineInString(_) => None,
    }
}

/// Returns the length of the number or word that a text begins with: all up to a bracket, a quote, a comma, a colon or white
/// space.
#[must_use]
pub fn scalar_len(text: &[u8]) -> usize {
    let is_part = |byte: &&u8| {
        !is_blank(**byte) && !matches!(byte, b'{' | b'}' | b'[' | b']' | b'"' | b',' | b':')
    };
    text.iter().take_while(is_part).count()
}

/// The search for the end of an object, an array or a string, in a text that may come in parts.
#[derive(Debug, Clone, Default)]
pub struct ValueEnd {
    open: OpenBrackets,
    is_in_string: bool,
    /// Whether the part before ended with the backslash of an escape.
    is_escaped: bool,
    /// The last byte outside of strings that is no white space; a quote for a string.
    last: u8,
}

/// The result of a scan of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scanned {
    /// The value goes on after the part.
    Unfinished,
    /// The value ends before this index of the part.
    End(usize),
    /// The bracket at this index does not close the one that was opened last.
    Mismatch(usize),
    /// The end of line at this index lies within a string.
    LineInString(usize),
}

impl ValueEnd {
    /// Scans the next part of the text. The first part begins with the bracket or quote that opens the value.
    pub fn scan(&mut self, part: &[u8]) -> Scanned {
        let mut at = 0;
        if self.is_escaped && !part.is_empty() {
            self.is_escaped = false;
            // No end of line can be escaped: what is left of a line that was cut off is not part of the next.
            at = usize::from(part[0] != b'\n');
        }
        while at < part.len() {
            if self.is_in_string {
                let Some(length) = memchr::memchr3(b'"', b'\\', b'\n', &part[at..]) else {
                    return Scanned::Unfinished;
                };
                at += length + 1;
                match part[at - 1] {
                    b'\\' => {
                        self.is_escaped = at == part.len();
                        at += usize::from(part.get(at) != Some(&b'\n'));
                    }
                    b'\n' => return Scanned::LineInString(at - 1),
                    _ => {
                        self.is_in_string = false;
                        if self.open.is_empty() {
                            return Scanned::End(at);
                        }
                    }
                }
                continue;
            }
            let byte = part[at];
            match byte {
                b'"' => self.is_in_string = true,
                b'{' | b'[' => self.open.push(byte == b'{'),
                b'}' | b']' => {
                    if self.open.pop() != Some(byte == b'}') {
                        return Scanned::Mismatch(at);
                    }
                    if self.open.is_empty() {
                        return Scanned::End(at + 1);
                    }
                }
                _ => {}
            }
            if !is_blank(byte) {
                self.last = byte;
            }
            at += 1;
        }
        Scanned::Unfinished
    }

    /// Whether a value may come next: after a colon, or in an array.
    #[must_use]
    pub fn expects_value(&self) -> bool {
        !self.is_in_string
            && match self.open.is_object() {
                Some(true) => self.last == b':',
                Some(false) => matches!(self.last, b'[' | b','),
                None => false,
            }
    }
}

/// The brackets that are open, from the outermost: a bit for each, since a hostile text of 64 MiB may open one with each
/// byte.
#[derive(Debug, Clone, Default)]
struct OpenBrackets {
    count: usize,
    /// For each whether it is that of an object; the bits after them have no meaning.
    are_objects: Vec<u64>,
}

impl OpenBrackets {
    fn push(&mut self, is_object: bool) {
        let (word, bit) = (self.count / 64, self.count % 64);
        if word == self.are_objects.len() {
            self.are_objects.push(0);
        }
        self.are_objects[word] &= !(1 << bit);
        self.are_objects[word] |= u64::from(is_object) << bit;
        self.count += 1;
    }

    fn pop(&mut self) -> Option<bool> {
        let is_object = self.is_object()?;
        self.count -= 1;
        Some(is_object)
    }

    /// Whether the innermost is that of an object; `None` where none is open.
    fn is_object(&self) -> Option<bool> {
        let innermost = self.count.checked_sub(1)?;
        Some(self.are_objects[innermost / 64] >> (innermost % 64) & 1 == 1)
    }

    fn is_empty(&self) -> bool {
        self.count == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_members(text: &str, expected: &[(&str, &str)]) {
        let got: Vec<_> = members(text.as_bytes())
            .map(|Member { name, value }| (name.map_or("", |name| &text[name]), &text[value]))
            .collect();
        assert_eq!(got, expected, "{text}");
    }

    #[test]
    fn members_are_found_with_their_names_and_values() {
        check_members("{}", &[]);
        check_members("[ ]", &[]);
        check_members("", &[]);
        check_members("3", &[]);
        check_members("\"a\"", &[]);
        check_members(
            " {\"a\" : -1.5e3 ,\n\"b\\\"\":\"}\\\\\",\"c\":{\"d\":[{},\"]\"]},\"a\":null} x",
            &[
                ("\"a\"", "-1.5e3"),
                ("\"b\\\"\"", "\"}\\\\\""),
                ("\"c\"", "{\"d\":[{},\"]\"]}"),
                ("\"a\"", "null"),
            ],
        );
        check_members("[1,[2],\"3\"]", &[("", "1"), ("", "[2]"), ("", "\"3\"")]);
        check_members("{\"이름\":\"값\"}", &[("\"이름\"", "\"값\"")]);
    }

    #[test]
    fn members_end_where_the_text_is_no_json() {
        let first = ("\"a\"", "1");
        for text in [
            "{\"a\":1",
            "{\"a\":1,",
            "{\"a\":1,}",
            "{\"a\":1,b:2}",
            "{\"a\":1,\"b\"}",
            "{\"a\":1,\"b\":}",
            "{\"a\":1,\"b\":[}",
            "{\"a\":1,\"b\":[2}",
            "{\"a\":1,\"b\":\"c",
            "{\"a\":1 \"b\":2}",
        ] {
            check_members(text, &[first]);
        }
        check_members("{\"a\"", &[]);
        check_members("{\"a", &[]);
        check_members("[", &[]);
    }

    /// Scans a text in parts of every length; the result must not depend on it.
    #[track_caller]
    fn check_end(text: &str, expected: Scanned) {
        for length in 1..=text.len() {
            let (mut end, mut got) = (ValueEnd::default(), Scanned::Unfinished);
            for (number, part) in text.as_bytes().chunks(length).enumerate() {
                let start = number * length;
                got = match end.scan(part) {
                    Scanned::Unfinished => continue,
                    Scanned::End(at) => Scanned::End(start + at),
                    Scanned::Mismatch(at) => Scanned::Mismatch(start + at),
                    Scanned::LineInString(at) => Scanned::LineInString(start + at),
                };
                break;
            }
            assert_eq!(got, expected, "{text} in parts of {length}");
        }
    }

    #[test]
    fn the_end_of_a_value_is_found_in_parts() {
        check_end("{}", Scanned::End(2));
        check_end("\"a\\\"\\\\\" ", Scanned::End(7));
        check_end("{\"a\":[\"]}\\\"\",{}]}\n{", Scanned::End(17));
        check_end("{\"a\":\n{", Scanned::Unfinished);
        check_end("{\"a\\", Scanned::Unfinished);
        check_end("[{]}", Scanned::Mismatch(2));
        check_end("{\"a\n\"}", Scanned::LineInString(3));
        check_end("{\"a\\\n\"}", Scanned::LineInString(4));
    }

    #[test]
    fn brackets_of_any_depth_are_matched() {
        let depth = 60;
        let opening: String = "[{\"a\":{\"a\":".repeat(depth);
        let closing = "}}]".repeat(depth);
        let length = opening.len() + closing.len();
        check_end(&(opening.clone() + &closing), Scanned::End(length));
        check_end(
            &(opening.clone() + &closing[..60] + "}]}"),
            Scanned::Mismatch(opening.len() + 61),
        );
    }

    #[test]
    fn a_value_is_expected_after_a_colon_and_in_an_array() {
        for (text, expected) in [
            ("{", false),
            ("{\"a\"", false),
            ("{\"a\": ", true),
            ("{\"a\":1", false),
            ("{\"a\":1,\n", false),
            ("[ ", true),
            ("[1", false),
            ("[1,\n", true),
            ("[\"", false),
            ("{\"a\":[]", false),
            ("[]", false),
        ] {
            let mut end = ValueEnd::default();
            end.scan(text.as_bytes());
            assert_eq!(end.expects_value(), expected, "{text}");
        }
    }
}

//! Messages without what differs from one time to the next, so that errors of one cause have one text.
//!
//! | in a message | in its group |
//! | --- | --- |
//! | a quoted text: `"…"`, `'…'`, `` `…` ``, `“…”`, `‘…’`, `«…»`, within one line | `<value>` |
//! | a URL, an e-mail address, an IP address with its port or length, a MAC address | `<address>` |
//! | a date, perhaps with a time of day | `<time>` |
//! | a UUID | `<n>` |
//! | a number: digits, also with `.`, `,` or `:` between them; a unit after it ([`UNITS`]) stays | `<n>` |
//! | another word with digits that begins with a digit, has eight characters, changes thrice between letters and digits, or is hexadecimal and has four characters | `<n>` |
//! | white space, also several together | one space |
//!
//! Numbers and ids become the same, since one id of hexadecimal digits has letters and the next has none. A word is what
//! has letters and digits alone: `collector-8d3a51f20c7e` is two, and becomes `collector-<n>`. Words such as `EC2`, `k8s` and
//! `IPv4` stay. Only the first [`MAX_CHARS`] characters count.

use std::net::{Ipv4Addr, Ipv6Addr};

/// How many characters of a message decide its group.
pub(super) const MAX_CHARS: usize = 500;

/// The length from which on a word with letters and digits is an id, in characters.
const MIN_ID_CHARS: usize = 8;
/// The changes between letters and digits from which on a shorter word is an id.
const MIN_ID_CHANGES: usize = 3;
/// The length from which on a word of hexadecimal digits, some of them letters, is an id.
const MIN_HEXADECIMAL_CHARS: usize = 4;
/// What stays after a number, unless the two together are as long as an id.
const UNITS: [&str; 39] = [
    "ns", "us", "µs", "ms", "s", "sec", "m", "min", "h", "hr", "d", "w", "y", "B", "kB", "KB",
    "MB", "GB", "TB", "KiB", "MiB", "GiB", "TiB", "k", "K", "M", "G", "T", "x", "xx", "st", "nd",
    "rd", "th", "px", "Hz", "MHz", "GHz", "V",
];

/// Appends the text of a message's group.
pub(super) fn normalise(message: &str, out: &mut String) {
    let start = out.len();
    let cut = message.char_indices().nth(MAX_CHARS);
    let mut rest = &message[..cut.map_or(message.len(), |(end, _)| end)];
    let mut before = None;
    while let Some(letter) = rest.chars().next() {
        let (length, text) = next(rest, letter, before);
        match text {
            Text::Space => {
                if out.len() > start && !out.ends_with(' ') {
                    out.push(' ');
                }
            }
            Text::Same => out.push_str(&rest[..length]),
            Text::Nothing => {}
            Text::Placeholder(text) => out.push_str(text),
            Text::Quantity(unit) => {
                out.push_str(NUMBER);
                out.push_str(&rest[unit..length]);
            }
        }
        before = rest[..length].chars().next_back();
        rest = &rest[length..];
    }
    let end = out.trim_end_matches(' ').len();
    out.truncate(end.max(start));
    if cut.is_some() {
        out.push('…');
    }
}

const NUMBER: &str = "<n>";
const ID: Text = Text::Placeholder(NUMBER);
const ADDRESS: Text = Text::Placeholder("<address>");

/// What a piece of a message becomes.
enum Text {
    Same,
    Space,
    Nothing,
    Placeholder(&'static str),
    /// A number, and behind this many bytes its unit.
    Quantity(usize),
}

/// Returns the length in bytes of the piece at the beginning of `rest`, at least one character, and what it becomes.
fn next(rest: &str, first: char, before: Option<char>) -> (usize, Text) {
    let follows_word = before.is_some_and(char::is_alphanumeric);
    if first.is_whitespace() {
        return (first.len_utf8(), Text::Space);
    }
    if let Some(length) = quoted(rest, first, follows_word) {
        return (length, Text::Placeholder("<value>"));
    }
    if follows_word {
        return (first.len_utf8(), Text::Same);
    }
    if !first.is_alphanumeric() {
        let follows_gap =
            before.is_none_or(|before| before.is_whitespace() || "([=:,".contains(before));
        let is_sign = matches!(first, '+' | '-')
            && follows_gap
            && rest[1..].starts_with(|letter: char| letter.is_ascii_digit());
        if is_sign {
            return (1, Text::Nothing);
        }
        return match (first, ip_v6(rest)) {
            (':', Some(length)) if follows_gap => (length, ADDRESS),
            _ => (first.len_utf8(), Text::Same),
        };
    }
    // An address is not within a word with dots and the like, of which each part would be read again.
    let is_token_start = before.is_none_or(|before| !"._%+-@/".contains(before));
    if is_token_start && let Some(length) = url(rest).or_else(|| email(rest)) {
        return (length, ADDRESS);
    }
    if let Some(length) = uuid(rest) {
        return (length, ID);
    }
    if let Some(length) = time(rest) {
        return (length, Text::Placeholder("<time>"));
    }
    if let Some(length) = ip_v4(rest).or_else(|| mac(rest)).or_else(|| ip_v6(rest)) {
        return (length, ADDRESS);
    }
    word(rest)
}

/// Returns the length of what a test holds for, from the beginning.
fn run(text: &str, holds: impl Fn(char) -> bool) -> usize {
    text.find(|letter| !holds(letter)).unwrap_or(text.len())
}

fn digits(text: &str) -> usize {
    run(text, |letter| letter.is_ascii_digit())
}

/// Whether a word ends where this text begins.
fn is_word_end(rest: &str) -> bool {
    !rest.starts_with(char::is_alphanumeric)
}

/// Measures a quoted text. An apostrophe within a word opens and closes nothing.
fn quoted(rest: &str, first: char, follows_word: bool) -> Option<usize> {
    let close = match first {
        '"' | '`' => first,
        '\'' if !follows_word => first,
        '“' => '”',
        '‘' => '’',
        '«' => '»',
        _ => return None,
    };
    let mut letters = rest.char_indices().skip(1);
    while let Some((index, letter)) = letters.next() {
        let end = index + letter.len_utf8();
        match letter {
            '\n' => return None,
            '\\' => {
                letters.next();
            }
            _ if letter == close && (close != '\'' || is_word_end(&rest[end..])) => {
                return Some(end);
            }
            _ => {}
        }
    }
    None
}

/// Measures `scheme://…`, up to white space, a quote or a bracket, without punctuation at its end.
fn url(rest: &str) -> Option<usize> {
    const MAX_SCHEME_BYTES: usize = 20;
    let scheme = run(rest, |letter| {
        letter.is_ascii_alphanumeric() || "+.-".contains(letter)
    });
    let after = rest[scheme..].strip_prefix("://")?;
    let address = run(after, |letter| {
        !letter.is_whitespace() && !"\"'`<>()[]{}".contains(letter)
    });
    let address = after[..address].trim_end_matches(['.', ',', ';', ':', '!', '?']);
    (scheme <= MAX_SCHEME_BYTES && !address.is_empty())
        .then(|| scheme + "://".len() + address.len())
}

fn email(rest: &str) -> Option<usize> {
    let name = run(rest, |letter| {
        letter.is_ascii_alphanumeric() || "._%+-".contains(letter)
    });
    let after = rest[name..].strip_prefix('@')?;
    let host = run(after, |letter| {
        letter.is_ascii_alphanumeric() || ".-".contains(letter)
    });
    let host = after[..host].trim_end_matches(['.', '-']);
    host.contains('.').then(|| name + 1 + host.len())
}

fn uuid(rest: &str) -> Option<usize> {
    const LENGTH: usize = 36;
    let text = rest.get(..LENGTH)?;
    let is_uuid = text.bytes().enumerate().all(|(index, byte)| match index {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    });
    (is_uuid && is_word_end(&rest[LENGTH..])).then_some(LENGTH)
}

/// Measures `2026-01-01` or `2026/01/01`, and the time of day and the offset that follow it.
fn time(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    let has =
        |at: usize, separators: &[u8]| bytes.get(at).is_some_and(|byte| separators.contains(byte));
    let are_digits = |at: usize, count: usize| {
        let part = bytes.get(at..at + count);
        part.is_some_and(|part| part.iter().all(u8::is_ascii_digit))
    };
    let is_date =
        are_digits(0, 4) && has(4, b"-/") && are_digits(5, 2) && has(7, b"-/") && are_digits(8, 2);
    if !is_date || are_digits(10, 1) {
        return None;
    }
    let mut end = 10;
    if has(end, b"T ") && are_digits(end + 1, 2) && has(end + 3, b":") && are_digits(end + 4, 2) {
        end += 6;
        if has(end, b":") && are_digits(end + 1, 2) {
            end += 3;
            if has(end, b".,") && are_digits(end + 1, 1) {
                end += 1 + digits(&rest[end + 1..]);
            }
        }
        if has(end, b"Zz") {
            end += 1;
        } else if has(end, b"+-") && are_digits(end + 1, 2) {
            end += 3;
            let minutes = usize::from(has(end, b":"));
            if are_digits(end + minutes, 2) {
                end += minutes + 2;
            }
        }
    }
    is_word_end(&rest[end..]).then_some(end)
}

/// Measures an IPv4 address, and the port or the length of a network behind it.
fn ip_v4(rest: &str) -> Option<usize> {
    let length = run(rest, |letter| letter.is_ascii_digit() || letter == '.');
    let address = rest[..length].trim_end_matches('.');
    address.parse::<Ipv4Addr>().ok()?;
    let end = address.len();
    if !is_word_end(&rest[end..]) {
        return None;
    }
    let behind = rest[end..].strip_prefix([':', '/']).map_or(0, digits);
    Some(if behind == 0 { end } else { end + 1 + behind })
}

fn ip_v6(rest: &str) -> Option<usize> {
    let length = run(rest, |letter| {
        letter.is_ascii_hexdigit() || letter == ':' || letter == '.'
    });
    let mut address = rest[..length].trim_end_matches('.');
    if address.ends_with(':') && !address.ends_with("::") {
        address = &address[..address.len() - 1];
    }
    let end = address.len();
    // `std::fmt` and `a::b` are paths.
    let is_address = address.contains(|letter: char| letter.is_ascii_digit())
        && is_word_end(&rest[end..])
        && address.parse::<Ipv6Addr>().is_ok();
    is_address.then(|| {
        let network = rest[end..].strip_prefix('/').map_or(0, digits);
        if network == 0 { end } else { end + 1 + network }
    })
}

/// Measures six pairs of hexadecimal digits with colons or hyphens between them.
fn mac(rest: &str) -> Option<usize> {
    const LENGTH: usize = 17;
    let text = rest.get(..LENGTH)?;
    let separator = text.as_bytes()[2];
    let is_mac = text
        .bytes()
        .enumerate()
        .all(|(index, byte)| match index % 3 {
            2 => byte == separator && matches!(byte, b':' | b'-'),
            _ => byte.is_ascii_hexdigit(),
        });
    (is_mac && is_word_end(&rest[LENGTH..])).then_some(LENGTH)
}

/// Measures a word of letters and digits, or a number with what is between its digits.
fn word(rest: &str) -> (usize, Text) {
    let length = run(rest, char::is_alphanumeric);
    let mut number = digits(rest);
    if number == 0 {
        let word = &rest[..length];
        return (length, if is_id(word) { ID } else { Text::Same });
    }
    while let Some(more) = rest[number..].strip_prefix(['.', ',', ':']).map(digits)
        && more > 0
    {
        number += 1 + more;
    }
    let end = number + run(&rest[number..], char::is_alphanumeric);
    let is_long = end == length && rest[..end].chars().count() >= MIN_ID_CHARS;
    let is_quantity = UNITS.contains(&&rest[number..end]) && !is_long;
    let text = if is_quantity {
        Text::Quantity(number)
    } else {
        ID
    };
    (end, text)
}

/// Whether a word that begins with a letter is an id.
fn is_id(word: &str) -> bool {
    if !word.contains(|letter: char| letter.is_ascii_digit()) {
        return false;
    }
    let are_digits = word.chars().map(|letter| letter.is_ascii_digit());
    let pairs = are_digits.clone().zip(are_digits.skip(1));
    let chars = word.chars().count();
    let is_hexadecimal = word.bytes().all(|byte| byte.is_ascii_hexdigit());
    chars >= MIN_ID_CHARS
        || chars >= MIN_HEXADECIMAL_CHARS && is_hexadecimal
        || pairs.filter(|(one, next)| one != next).count() >= MIN_ID_CHANGES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(message: &str, expected: &str) {
        let mut out = String::from("before: ");
        normalise(message, &mut out);
        assert_eq!(out.strip_prefix("before: "), Some(expected), "{message:?}");
    }

    #[test]
    fn what_differs_is_taken_out() {
        for (message, expected) in [
            ("", ""),
            ("  a\n\t b  ", "a b"),
            // Numbers, and their units.
            ("12 of 340 done, 3.5 % left", "<n> of <n> done, <n> % left"),
            (
                "took 28s, 500ms, 1.5GB and -7 or (+8)",
                "took <n>s, <n>ms, <n>GB and <n> or (<n>)",
            ),
            ("version 1.4.2-rc1 at 08:00:01", "version <n>-rc1 at <n>"),
            (
                "1,234,567 rows; 5xx, HTTP/1.1 404",
                "<n> rows; <n>xx, HTTP/<n> <n>",
            ),
            ("a-7 x=-7 10-20", "a-<n> x=<n> <n>-<n>"),
            // Ids, and words that are none.
            ("job-3f1c6a0d92b4 of i-0abc123def", "job-<n> of i-<n>"),
            (
                "collector_8d3a51f20c7e, AKIAIOSFODNN7EXAMPLE",
                "collector_<n>, <n>",
            ),
            ("a1b2c3 0x1f3a 3f1c 404Error1", "<n> <n> <n> <n>"),
            (
                "EC2, S3, k8s, IPv4, sha256, oauth2, log4j, vm12",
                "EC2, S3, k8s, IPv4, sha256, oauth2, log4j, vm12",
            ),
            ("us-east-1 ap-northeast-2b", "us-east-<n> ap-northeast-<n>"),
            (
                "arn:aws:iam::123456789012:role/x",
                "arn:aws:iam::<n>:role/x",
            ),
            (
                "request 6F9619FF-8B86-D011-B42D-00CF4FC964FF.",
                "request <n>.",
            ),
            (
                "6f9619ff-8b86-d011-b42d-00cf4fc964ffa",
                "<n>-<n>-<n>-<n>-<n>",
            ),
            // Times.
            ("since 2026-01-01T08:00:01.225Z now", "since <time> now"),
            (
                "since 2026-01-01 08:00:00+09:00, 2026/01/02",
                "since <time>, <time>",
            ),
            (
                "2026-01-01T08:00:00,5-0930 2026-01-01T08:00x",
                "<time> <n>-<n>-<n>:<n>x",
            ),
            ("2026-01-011", "<n>-<n>-<n>"),
            // Addresses.
            (
                "10.0.0.1:8080 and 10.0.0.0/8, 1.2.3.4.",
                "<address> and <address>, <address>.",
            ),
            ("1.2.3.4.5 256.1.1.1", "<n> <n>"),
            (
                "2001:db8::1: refused, [::1]:443, fe80::1/64",
                "<address>: refused, [<address>]:<n>, <address>",
            ),
            ("std::vec and a::b", "std::vec and a::b"),
            ("00:1A:2b:3c:4d:5e 00-1A-2b-3c-4d-5e", "<address> <address>"),
            (
                "GET https://api.example/v1?a=1&b=2, then",
                "GET <address>, then",
            ),
            ("url=http://x/y.", "url=<address>."),
            ("mail to a.b+c@example.co.uk.", "mail to <address>."),
            ("a@b and x://", "a@b and x://"),
            // Quoted values.
            (
                "bucket 'logs-a' and \"b \\\" c\" of `d`",
                "bucket <value> and <value> of <value>",
            ),
            ("“a” ‘b’ «c» \"\"", "<value> <value> <value> <value>"),
            ("it can't 'be 'a'b' closed", "it can't <value> closed"),
            (
                "an open \"quote\nand 'another",
                "an open \"quote and 'another",
            ),
            ("größe 'ß' — naïve1", "größe <value> — naïve1"),
        ] {
            check(message, expected);
        }
    }

    #[test]
    fn a_group_is_its_own_group() {
        for message in [
            "12 of job-3f1c6a0d92b4 at https://x/ since 2026-01-01 for 'me' from 10.0.0.1",
            "<n> <n> <value>",
        ] {
            let (mut once, mut twice) = (String::new(), String::new());
            normalise(message, &mut once);
            normalise(&once, &mut twice);
            assert_eq!(once, twice);
        }
    }

    #[test]
    fn a_long_message_is_cut() {
        let long = "ä".repeat(MAX_CHARS);
        check(&long, &long);
        check(&format!("{long}b"), &format!("{long}…"));
        check(
            &format!("{}  b", "ä ".repeat(MAX_CHARS / 2)),
            &format!("{}…", "ä ".repeat(MAX_CHARS / 2).trim_end()),
        );
    }

    #[test]
    fn no_text_is_too_strange() {
        let pieces = [
            "'", "\"", "\\", ":", "::", ".", "1", "a", "é", "@", "://", "-", "/", " ", "\n", "f",
            "“", "0:0",
        ];
        let mut random = 7_usize;
        let mut out = String::new();
        for _ in 0..20_000 {
            let mut text = String::new();
            for _ in 0..random % 40 {
                random = random
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                text.push_str(pieces[(random >> 40) % pieces.len()]);
            }
            random = random.wrapping_add(1).rotate_left(7);
            out.clear();
            normalise(&text, &mut out);
        }
    }
}

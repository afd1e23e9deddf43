//! Finds what jobdeck refuses in a regular expression, although PCRE2 knows it.
//!
//! Recursion, verbs and the like cannot be limited or would change how a pattern is run. They are looked for as PCRE2 reads
//! a pattern: not in brackets, after a backslash, between `\Q` and `\E`, or in a comment.

use crate::query::limits::MAX_PROPERTIES;

/// How many characters of a refused construct an error shows at most.
const MAX_SHOWN: usize = 20;

/// Checks a pattern.
///
/// # Errors
/// A sentence that names what is refused.
pub(super) fn check(pattern: &str) -> Result<(), String> {
    Scanner {
        rest: pattern,
        spacing: Spacing::Literal,
        outer: Vec::new(),
        properties: 0,
    }
    .scan()
}

/// How white space is read.
#[derive(Clone, Copy, PartialEq)]
enum Spacing {
    Literal,
    /// Of no meaning, and `#` begins a comment, outside of brackets: `(?x)`.
    Free,
    /// Of no meaning within brackets either: `(?xx)`.
    FreeInBrackets,
}

/// Walks over a pattern.
struct Scanner<'p> {
    rest: &'p str,
    spacing: Spacing,
    /// How white space is read in the groups around, from the outermost.
    outer: Vec<Spacing>,
    properties: usize,
}

impl Scanner<'_> {
    fn scan(mut self) -> Result<(), String> {
        while let Some(letter) = self.next() {
            match letter {
                '\\' => self.escape()?,
                '[' => self.bracket(),
                '(' => self.group()?,
                ')' => {
                    if let Some(spacing) = self.outer.pop() {
                        self.spacing = spacing;
                    }
                }
                '#' if self.spacing != Spacing::Literal => self.skip_past("\n"),
                _ => {}
            }
        }
        if self.properties > MAX_PROPERTIES {
            return Err(format!(
                "at most {MAX_PROPERTIES} Unicode properties (`\\p`) are allowed in a regular expression"
            ));
        }
        Ok(())
    }

    fn next(&mut self) -> Option<char> {
        let letter = self.rest.chars().next()?;
        self.rest = &self.rest[letter.len_utf8()..];
        Some(letter)
    }

    fn skip(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn skip_past(&mut self, end: &str) {
        self.rest = self.rest.split_once(end).map_or("", |(_, rest)| rest);
    }

    /// Reads what follows a backslash, outside of brackets.
    fn escape(&mut self) -> Result<(), String> {
        let start = self.rest;
        if self.rest.starts_with("g<") || self.rest.starts_with("g'") {
            return refuse("the subroutine call", "\\", start, &['>', '\'']);
        }
        if self.rest.starts_with('C') {
            return Err(
                r"the single byte `\C` is not supported in a regular expression".to_owned(),
            );
        }
        self.escape_anywhere();
        Ok(())
    }

    /// Reads what follows a backslash, as far as it is the same in brackets.
    fn escape_anywhere(&mut self) {
        match self.next() {
            Some('Q') => self.skip_past("\\E"),
            // The control character of the next, which may be any.
            Some('c') => {
                self.next();
            }
            Some('p' | 'P') => self.properties += 1,
            _ => {}
        }
    }

    /// Reads a bracket expression, the `[` before it already read.
    fn bracket(&mut self) {
        // Before the first character, a `\E` and, with `(?xx)`, a blank mean nothing; a `]` as the first is a literal.
        let mut is_negated = false;
        loop {
            let is_skipped = self.skip("\\E")
                || self.skip("\\Q\\E")
                || self.spacing == Spacing::FreeInBrackets && (self.skip(" ") || self.skip("\t"))
                || !is_negated && self.rest.starts_with('^') && {
                    is_negated = true;
                    self.skip("^")
                };
            if !is_skipped {
                break;
            }
        }
        self.skip("]");
        while let Some(letter) = self.next() {
            match letter {
                ']' => break,
                '\\' => self.escape_anywhere(),
                '[' => self.skip_posix_class(),
                _ => {}
            }
        }
    }

    /// Skips the rest of a POSIX class such as `[:alpha:]`, if a `[` within brackets begins one.
    ///
    /// Rule: PCRE2, `check_posix_syntax` of `pcre2_compile.c`.
    fn skip_posix_class(&mut self) {
        let Some(mark @ (':' | '.' | '=')) = self.rest.chars().next() else {
            return;
        };
        let mut rest = self.rest[1..].chars();
        while let Some(letter) = rest.next() {
            let next = rest.clone().next();
            match letter {
                '\\' if matches!(next, Some(']' | '\\')) => {
                    rest.next();
                }
                ']' => return,
                '[' if next == Some(mark) => return,
                _ if letter == mark && next == Some(']') => {
                    self.rest = &rest.as_str()[1..];
                    return;
                }
                _ => {}
            }
        }
    }

    /// Reads the start of a group, the `(` before it already read.
    fn group(&mut self) -> Result<(), String> {
        let start = self.rest;
        let refused = |what| refuse(what, "(", start, &[')', ':']);
        if let Some(named) = self.rest.strip_prefix('*') {
            if named.starts_with(|first: char| first.is_ascii_uppercase() || first == ':') {
                return refuse("the verb or start option", "(", start, &[')']);
            }
            if named.starts_with("scs:") || named.starts_with("scan_substring:") {
                return refused("the scan of a substring");
            }
        }
        if !self.skip("?") {
            self.outer.push(self.spacing);
            return Ok(());
        }
        if self.skip("#") {
            self.skip_past(")");
            return Ok(());
        }
        let mut letters = self.rest.chars();
        let (first, second) = (letters.next(), letters.next());
        match (first, second) {
            (Some('R' | '0'..='9'), _) | (Some('+' | '-'), Some('0'..='9')) => {
                return refused("the recursion");
            }
            (Some('&'), _) | (Some('P'), Some('>')) => return refused("the subroutine call"),
            (Some('C'), _) => return refused("the callout"),
            (Some('['), _) => return refused("the extended class"),
            _ => {}
        }
        let outer = self.spacing;
        if self.options() {
            // Without a group of its own, they hold up to the end of the group around.
            return Ok(());
        }
        self.outer.push(outer);
        Ok(())
    }

    /// Reads the options of a group, as far as they are about white space. Returns whether no group follows them.
    fn options(&mut self) -> bool {
        let end = self
            .rest
            .find(|letter: char| !letter.is_ascii_alphabetic() && letter != '^' && letter != '-')
            .unwrap_or(self.rest.len());
        let (options, rest) = self.rest.split_at(end);
        if !rest.starts_with([')', ':']) {
            return false;
        }
        let (set, unset) = options.split_once('-').unwrap_or((options, ""));
        if set.starts_with('^') {
            self.spacing = Spacing::Literal;
        }
        if set.contains("xx") {
            self.spacing = Spacing::FreeInBrackets;
        } else if set.contains('x') {
            self.spacing = Spacing::Free;
        }
        if unset.contains('x') {
            self.spacing = Spacing::Literal;
        }
        self.rest = &rest[1..];
        rest.starts_with(')')
    }
}

/// The error about a construct. It shows `opening` and what follows, up to the letter that ends the construct.
fn refuse(what: &str, opening: &str, following: &str, ends: &[char]) -> Result<(), String> {
    // The first two letters say what the construct is.
    let ending = following
        .char_indices()
        .skip(2)
        .find(|(_, letter)| ends.contains(letter));
    let construct = ending.map_or(following, |(end, _)| &following[..=end]);
    let shown = match construct.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}…", &construct[..end]),
        None => construct.to_owned(),
    };
    Err(format!(
        "{what} `{opening}{shown}` is not supported in a regular expression"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(pattern: &str, named: &str) {
        assert_eq!(
            check(pattern),
            Err(format!("{named} is not supported in a regular expression")),
            "{pattern}"
        );
    }

    #[test]
    fn what_cannot_be_limited_is_refused_by_name() {
        for recursion in ["(?R)", "(?0)", "(?1)", "(?+1)", "(?-1)"] {
            refused(
                &format!("(a{recursion}?b)"),
                &format!("the recursion `{recursion}`"),
            );
        }
        for call in ["(?&n)", "(?P>n)", r"\g<n>", r"\g'n'", r"\g<-1>"] {
            refused(
                &format!("(?<n>a){call}"),
                &format!("the subroutine call `{call}`"),
            );
        }
        for verb in [
            "(*ACCEPT)",
            "(*COMMIT)",
            "(*F)",
            "(*MARK:a)",
            "(*:a)",
            "(*UCP)",
            "(*LIMIT_MATCH=1)",
            "(*CRLF)",
            "(*NO_JIT)",
        ] {
            refused(
                &format!("{verb}a"),
                &format!("the verb or start option `{verb}`"),
            );
        }
        refused("a(?C)", "the callout `(?C)`");
        refused("a(?C12)", "the callout `(?C12)`");
        refused(r"a\Cb", r"the single byte `\C`");
        refused("(?[ [a] & [b] ])", "the extended class `(?[ [a] & [b] ])`");
        refused("(a)(*scs:(1)a)", "the scan of a substring `(*scs:`");
        refused(
            "a(?&aVeryLongNameOfAGroupIndeed)",
            "the subroutine call `(?&aVeryLongNameOfAGr…`",
        );
        refused("a(?&n", "the subroutine call `(?&n`");
    }

    #[test]
    fn what_is_refused_is_found_wherever_pcre2_reads_it() {
        for pattern in [
            r"\\(?R)",
            r"\Qa\E(?R)",
            "[a](?R)",
            "[]a](?R)",
            "[^]a](?R)",
            r"[\]](?R)",
            r"[\Q]\E](?R)",
            r"[\c]](?R)",
            "[[:alpha:]](?R)",
            "[[:alpha:](?R)](?R)",
            r"[\E]](?R)",
            "(?xx)[ ]](?R)",
            "(?#a)(?R)",
            "(?#(?1)(?R)",
            "(?x)#a\n(?R)",
            "(?x:#)\n)#(?R)",
            "(?x)(?-x)#(?R)",
            "(?x)(?^)#(?R)",
            "((?x)a)#(?R)",
            "(?-x)#(?R)",
            "a#(?R)",
            r"\c\(?R)",
            "(?x)[ ](?R)]",
        ] {
            refused(pattern, "the recursion `(?R)`");
        }
    }

    #[test]
    fn what_only_looks_like_it_passes() {
        for pattern in [
            r"\(?R",
            "[(?R)]",
            "[](?R)]",
            r"[\](?R)]",
            "[^(?R)]",
            r"\Q(?R)\E",
            r"\Q(?R)",
            r"[\Q](?R)\E]",
            "(?#(?R)",
            "(?x)# (?R)\n",
            "(?x: # (?R)\n)",
            "(?xx)[ ](?R)]",
            r"\c((?:?R)",
            r"\Q(*ACCEPT)",
            "(*pla:a)",
            "(*atomic:a)",
            "(?(R)a)",
            "(?<R>a)",
            "(?P<R>a)(?P=R)",
            "(?-i)a",
            "(?i-x:a)",
            r"\g{1}\g1",
            r"[\g<n>]",
            r"\\C",
            "[(*UCP)]",
        ] {
            assert_eq!(check(pattern), Ok(()), "{pattern}");
        }
    }

    #[test]
    fn the_number_of_unicode_properties_is_limited() {
        let most = r"\p{L}".repeat(MAX_PROPERTIES);
        assert_eq!(check(&most), Ok(()));
        assert_eq!(
            check(&format!(r"[{most}\P{{Lu}}]")),
            Err(
                r"at most 8 Unicode properties (`\p`) are allowed in a regular expression"
                    .to_owned()
            )
        );
    }
}

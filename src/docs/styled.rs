//! Text with styles: wrapped by its visible characters, written with the codes of a terminal.

/// How a character is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Style {
    pub(super) is_bold: bool,
    pub(super) is_code: bool,
}

/// A text, each character with its style; `\n` is a forced end of a line.
#[derive(Debug, Clone, Default)]
pub(super) struct Styled(Vec<(char, Style)>);

impl Styled {
    pub(super) fn push(&mut self, text: &str, style: Style) {
        self.0.extend(text.chars().map(|char| (char, style)));
    }

    pub(super) fn append(&mut self, other: &Self) {
        self.0.extend_from_slice(&other.0);
    }

    pub(super) fn make_bold(&mut self) {
        for (_, style) in &mut self.0 {
            style.is_bold = true;
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns how many characters wide the text is.
    pub(super) fn width(&self) -> usize {
        self.0.len()
    }

    /// Returns how many characters the longest word has.
    pub(super) fn longest_word(&self) -> usize {
        let words = self.0.split(|(char, _)| matches!(char, ' ' | '\n'));
        words.map(<[_]>::len).max().unwrap_or_default()
    }

    /// Adds spaces until the text is `width` characters wide.
    pub(super) fn pad(&mut self, width: usize) {
        let missing = width.saturating_sub(self.width());
        self.push(&" ".repeat(missing), Style::default());
    }

    /// Breaks the text at spaces into lines of at most `width` characters; a longer word has a line of its own.
    pub(super) fn wrap(&self, width: usize) -> Vec<Self> {
        let mut lines = Vec::new();
        for part in self.0.split(|(char, _)| *char == '\n') {
            let mut line = Self::default();
            let words = part.split(|(char, _)| *char == ' ');
            for word in words.filter(|word| !word.is_empty()) {
                if !line.is_empty() {
                    if line.width() + 1 + word.len() > width {
                        lines.push(std::mem::take(&mut line));
                    } else {
                        line.0.push((' ', joint(&line, word)));
                    }
                }
                line.0.extend_from_slice(word);
            }
            lines.push(line);
        }
        lines
    }

    /// Returns the text without its styles.
    pub(super) fn to_plain(&self) -> String {
        self.0.iter().map(|(char, _)| *char).collect()
    }

    /// Returns the text with the codes of a terminal where its style changes.
    pub(super) fn to_terminal(&self) -> String {
        let mut out = String::new();
        let mut current = Style::default();
        for (char, style) in self.0.iter().copied() {
            if style != current {
                out += code_of(style);
                current = style;
            }
            out.push(char);
        }
        if current != Style::default() {
            out += RESET;
        }
        out
    }
}

/// The style of a space between two words: that of both, where they have the same.
fn joint(line: &Styled, word: &[(char, Style)]) -> Style {
    match (line.0.last(), word.first()) {
        (Some((_, left)), Some((_, right))) if left == right => *left,
        _ => Style::default(),
    }
}

const RESET: &str = "\x1b[0m";

fn code_of(style: Style) -> &'static str {
    match (style.is_bold, style.is_code) {
        (false, false) => RESET,
        (true, false) => "\x1b[0;1m",
        (false, true) => "\x1b[0;36m",
        (true, true) => "\x1b[0;1;36m",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn styled(parts: &[(&str, Style)]) -> Styled {
        let mut text = Styled::default();
        for (part, style) in parts {
            text.push(part, *style);
        }
        text
    }

    const PLAIN: Style = Style {
        is_bold: false,
        is_code: false,
    };
    const CODE: Style = Style {
        is_bold: false,
        is_code: true,
    };

    #[test]
    fn lines_break_at_spaces() {
        for (text, expected) in [
            ("", vec![""]),
            ("a", vec!["a"]),
            ("aa bb cc", vec!["aa bb", "cc"]),
            ("aaa  bb", vec!["aaa", "bb"]),
            ("aaaaaaaa b", vec!["aaaaaaaa", "b"]),
            ("a\nb", vec!["a", "b"]),
        ] {
            let lines = styled(&[(text, PLAIN)]).wrap(5);
            let lines: Vec<_> = lines.iter().map(Styled::to_terminal).collect();
            assert_eq!(lines, expected, "{text}");
        }
    }

    #[test]
    fn a_style_ends_where_the_next_begins() {
        let text = styled(&[("a ", PLAIN), ("b c", CODE), (" d", PLAIN)]);
        let lines: Vec<_> = text.wrap(20).iter().map(Styled::to_terminal).collect();
        assert_eq!(lines, ["a \x1b[0;36mb c\x1b[0m d"]);
        let lines: Vec<_> = text.wrap(3).iter().map(Styled::to_terminal).collect();
        assert_eq!(lines, ["a \x1b[0;36mb\x1b[0m", "\x1b[0;36mc\x1b[0m d"]);
        assert_eq!(styled(&[("x", CODE)]).to_terminal(), "\x1b[0;36mx\x1b[0m");
    }
}

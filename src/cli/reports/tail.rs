//! The end of what a command writes to standard error: the message of its error.

use std::collections::VecDeque;

/// The most bytes of the end.
const MAX_BYTES: usize = 8 << 10;
/// The most lines of a message.
const MAX_LINES: usize = 20;

/// The last bytes that were written.
#[derive(Debug, Default)]
pub(super) struct Tail {
    bytes: VecDeque<u8>,
    is_cut: bool,
}

impl Tail {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let new = &bytes[bytes.len().saturating_sub(MAX_BYTES)..];
        let surplus = (self.bytes.len() + new.len()).saturating_sub(MAX_BYTES);
        self.is_cut |= surplus > 0 || new.len() < bytes.len();
        self.bytes.drain(..surplus);
        self.bytes.extend(new);
    }

    /// Returns the last lines, without the sequences and the control characters that are for a terminal.
    pub(super) fn message(&self) -> String {
        let bytes: Vec<_> = self.bytes.iter().copied().collect();
        let text = without_sequences(&String::from_utf8_lossy(&bytes));
        let mut lines: Vec<_> = text.lines().map(str::trim_end).collect();
        // The first line may have lost its beginning.
        if self.is_cut && lines.len() > 1 {
            lines.remove(0);
        }
        while lines.last().is_some_and(|line| line.is_empty()) {
            lines.pop();
        }
        let surplus = lines.len().saturating_sub(MAX_LINES);
        let lines = lines[surplus..].iter().copied();
        let lines: Vec<_> = lines.skip_while(|line| line.is_empty()).collect();
        lines.join("\n")
    }
}

/// Takes out what controls a terminal. A line that was written over, as those of progress are, is what was written last.
fn without_sequences(text: &str) -> String {
    let mut out = String::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\u{1b}' if letters.peek() == Some(&'[') => {
                letters.next();
                while letters
                    .next()
                    .is_some_and(|letter| !('@'..='~').contains(&letter))
                {}
            }
            '\r' if letters.peek().is_some_and(|next| *next != '\n') => {
                let start = out.rfind('\n').map_or(0, |end| end + 1);
                out.truncate(start);
            }
            '\n' | '\t' => out.push(letter),
            letter if letter.is_control() => {}
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pieces: &[&str], expected: &str) {
        let mut tail = Tail::default();
        for piece in pieces {
            tail.push(piece.as_bytes());
        }
        assert_eq!(tail.message(), expected);
    }

    #[test]
    fn a_message_is_the_last_lines() {
        check(&[], "");
        check(&["\n\n"], "");
        check(&["one\n", "two\n\n"], "one\ntwo");
        check(&["\u{1b}[31mred\u{1b}[0m\ttext\u{7}"], "red\ttext");
        check(&["10 %\r20 %\r30 %\nend\r\n"], "30 %\nend");
        let many: Vec<_> = (0..50).map(|number| format!("line {number}\n")).collect();
        let expected: Vec<_> = (30..50).map(|number| format!("line {number}")).collect();
        check(&[&many.concat()], &expected.join("\n"));
        let long = "x".repeat(20_000);
        check(&[&long], &"x".repeat(MAX_BYTES));
        check(&[&long, "\nlast\n"], "last");
        check(&["é".repeat(5_000).as_str(), "\nlast"], "last");
    }
}

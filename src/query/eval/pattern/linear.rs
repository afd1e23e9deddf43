//! Patterns that run in linear time, by the `regex` crate.
//!
//! A pattern that `syntax` parses is written anew in that crate's dialect. Both then answer the same about every text;
//! the tests in `agreement` hold it.

use std::fmt::Write as _;

use regex::{Regex, RegexBuilder};

use super::syntax::{self, Node};

/// The most memory that one compiled pattern may take.
const MAX_COMPILED_BYTES: usize = 1 << 20;

/// Compiles a pattern. `None` if it is not surely the same in both dialects, or too large.
pub(super) fn compile(text: &str) -> Option<Regex> {
    let translated = translate(text)?;
    let mut builder = RegexBuilder::new(&translated);
    builder
        .case_insensitive(true)
        .size_limit(MAX_COMPILED_BYTES);
    builder.build().ok()
}

/// Writes a pattern in the syntax of the `regex` crate.
fn translate(text: &str) -> Option<String> {
    let mut translated = String::with_capacity(2 * text.len());
    write(&syntax::parse(text)?, true, &mut translated)?;
    Some(translated)
}

/// Writes a part of a pattern. `is_last` says that nothing of the pattern follows it.
fn write(node: &Node, is_last: bool, out: &mut String) -> Option<()> {
    match node {
        Node::Letter(letter) if letter.is_ascii_alphanumeric() || !letter.is_ascii() => {
            out.push(*letter);
        }
        Node::Letter(letter) => {
            // Writing to a text cannot fail.
            let _ = write!(out, r"\x{{{:x}}}", u32::from(*letter));
        }
        Node::Any => out.push('.'),
        Node::Set(set) => set.write(out),
        Node::Start => out.push_str(r"\A"),
        Node::End => out.push_str(r"\z"),
        // The crate cannot look ahead. Where nothing follows, what is ahead may as well be matched.
        Node::EndOfLastLine if is_last => out.push_str(r"\n?\z"),
        Node::EndOfLastLine => return None,
        Node::WordBoundary => out.push_str(r"(?-u:\b)"),
        Node::Sequence(nodes) => {
            for (position, node) in nodes.iter().enumerate() {
                write(node, is_last && position + 1 == nodes.len(), out)?;
            }
        }
        Node::Choice(alternatives) => {
            out.push_str("(?:");
            for (position, alternative) in alternatives.iter().enumerate() {
                if position > 0 {
                    out.push('|');
                }
                write(alternative, is_last, out)?;
            }
            out.push(')');
        }
        Node::Repeat { node, min, max } => {
            write(node, false, out)?;
            let _ = match max {
                Some(max) => write!(out, "{{{min},{max}}}"),
                None => write!(out, "{{{min},}}"),
            };
        }
    }
    Some(())
}

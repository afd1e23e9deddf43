//! The part of PCRE2's syntax that has an equal in the `regex` crate's, parsed.
//!
//! What the parser does not know for sure, it does not accept: PCRE2 then decides, also about what is malformed.

use super::brackets::Set;
use super::letters::Letters;

/// The deepest nesting of groups that is parsed here.
const MAX_DEPTH: usize = 50;
/// The largest pattern with its repeated groups written out, in units of about a byte of PCRE2's code, of which 64 KiB are
/// the most. A larger one is left to PCRE2, which may refuse it.
const MAX_WRITTEN_OUT: usize = 10_000;

/// A parsed pattern, or a part of one.
///
/// Greedy and lazy repetitions are the same here: the difference changes what a match is, not whether there is one.
#[derive(Debug)]
pub(super) enum Node {
    /// A letter, in either case.
    Letter(char),
    /// Any character but a line feed.
    Any,
    Set(Set),
    /// The start of the text.
    Start,
    /// The end of the text.
    End,
    /// The end of the text, or before a line feed that ends it.
    EndOfLastLine,
    WordBoundary,
    Sequence(Vec<Node>),
    Choice(Vec<Node>),
    Repeat {
        node: Box<Node>,
        min: u32,
        /// `None` without a limit.
        max: Option<u32>,
    },
}

/// Parses a pattern. `None` if any part of it is not surely the same in both dialects.
pub(super) fn parse(text: &str) -> Option<Node> {
    // Upper and lower case are the same in every pattern.
    let mut letters = Letters::new(text.strip_prefix("(?i)").unwrap_or(text));
    let node = choice(&mut letters, 0)?;
    // A `)` too many.
    if letters.peek().is_some() {
        return None;
    }
    let is_small = written_out(&node, 0) <= MAX_WRITTEN_OUT;
    is_small.then_some(node)
}

/// Parses alternatives up to the end of the pattern or of a group.
fn choice(letters: &mut Letters<'_>, depth: usize) -> Option<Node> {
    if depth > MAX_DEPTH {
        return None;
    }
    let mut alternatives = vec![sequence(letters, depth)?];
    while letters.skip('|') {
        alternatives.push(sequence(letters, depth)?);
    }
    Some(Node::Choice(alternatives))
}

fn sequence(letters: &mut Letters<'_>, depth: usize) -> Option<Node> {
    let mut nodes = Vec::new();
    while let Some(letter) = letters.peek()
        && letter != '|'
        && letter != ')'
    {
        letters.next();
        let node = atom(letter, letters, depth)?;
        nodes.push(repeated(node, letters)?);
    }
    Some(Node::Sequence(nodes))
}

fn atom(letter: char, letters: &mut Letters<'_>, depth: usize) -> Option<Node> {
    Some(match letter {
        '.' => Node::Any,
        '^' => Node::Start,
        '$' => Node::EndOfLastLine,
        '[' => Node::Set(Set::bracket(letters)?),
        '(' => group(letters, depth)?,
        '\\' => escape(letters)?,
        '*' | '+' | '?' => return None,
        '{' => {
            // A quantifier of nothing.
            if looks_like_bounds(letters.peek()) {
                return None;
            }
            Node::Letter('{')
        }
        plain => Node::Letter(plain),
    })
}

/// Parses a group, capturing or not, the `(` before it already read.
fn group(letters: &mut Letters<'_>, depth: usize) -> Option<Node> {
    match letters.peek()? {
        '*' => return None,
        '?' => {
            letters.next();
            if !letters.skip(':') {
                return None;
            }
        }
        _ => {}
    }
    let node = choice(letters, depth + 1)?;
    letters.skip(')').then_some(node)
}

fn escape(letters: &mut Letters<'_>) -> Option<Node> {
    let letter = letters.next()?;
    Some(match letter {
        'A' => Node::Start,
        'z' => Node::End,
        'Z' => Node::EndOfLastLine,
        'b' => Node::WordBoundary,
        _ => match Set::class(letter) {
            Some(class) => Node::Set(class),
            None => Node::Letter(letters.escaped_letter(letter)?),
        },
    })
}

/// Whether a `{` before this letter may begin a quantifier such as `{2,5}`. Elsewhere it is a literal.
fn looks_like_bounds(next: Option<char>) -> bool {
    matches!(next, Some('0'..='9' | ',' | ' ' | '\t'))
}

/// Reads the quantifier of a node, if it has one.
fn repeated(node: Node, letters: &mut Letters<'_>) -> Option<Node> {
    let (min, max) = match letters.peek() {
        Some('*') => (0, None),
        Some('+') => (1, None),
        Some('?') => (0, Some(1)),
        Some('{') if looks_like_bounds(letters.peek_second()) => {
            letters.next();
            let min = letters.number()?;
            let max = match letters.next()? {
                '}' => Some(min),
                ',' if letters.skip('}') => None,
                ',' => {
                    let max = letters.number().filter(|max| *max >= min)?;
                    letters.skip('}').then_some(Some(max))?
                }
                _ => return None,
            };
            return quantified(node, min, max, letters);
        }
        _ => return Some(node),
    };
    letters.next();
    quantified(node, min, max, letters)
}

fn quantified(node: Node, min: u32, max: Option<u32>, letters: &mut Letters<'_>) -> Option<Node> {
    let is_assertion = matches!(
        node,
        Node::Start | Node::End | Node::EndOfLastLine | Node::WordBoundary
    );
    letters.skip('?');
    let is_followed_by_another = match letters.peek() {
        Some('*' | '+' | '?') => true,
        Some('{') => looks_like_bounds(letters.peek_second()),
        _ => false,
    };
    (!is_assertion && !is_followed_by_another).then(|| Node::Repeat {
        node: Box::new(node),
        min,
        max,
    })
}

/// The size of repeated groups when their repetitions are written out, at the least; 0 outside of any.
fn written_out(node: &Node, copies: usize) -> usize {
    match node {
        Node::Letter(_) => copies.saturating_mul(5),
        Node::Set(_) => copies.saturating_mul(40),
        Node::Any | Node::Start | Node::End | Node::EndOfLastLine | Node::WordBoundary => copies,
        Node::Sequence(nodes) | Node::Choice(nodes) => nodes
            .iter()
            .map(|node| written_out(node, copies).saturating_add(copies.saturating_mul(3)))
            .fold(0, usize::saturating_add),
        Node::Repeat { node, min, max } => match **node {
            Node::Sequence(_) | Node::Choice(_) => {
                let times = max.unwrap_or(*min).max(1) as usize;
                written_out(node, copies.max(1).saturating_mul(times))
            }
            // One character needs no copies.
            _ => written_out(node, copies).saturating_add(copies.saturating_mul(3)),
        },
    }
}

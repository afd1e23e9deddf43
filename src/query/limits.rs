//! The limits of a request: the most conditions, values, names, patterns and the like.
//!
//! `static/docs/query.md` lists them, and a test compares the two.

/// The most conditions in `filter` and `filter_or` together.
pub const MAX_CONDITIONS: usize = 500;
/// The most values in a body. A request that keeps all other limits has fewer.
pub const MAX_VALUES: usize = 50_000;
/// The most sort keys.
pub const MAX_SORT_KEYS: usize = 32;
/// The most keys, and the most fields, of one group or project.
pub const MAX_FIELDS: usize = 100;
/// The longest name that a field may be given, in bytes.
pub const MAX_NAME_BYTES: usize = 256;
/// The most paths that `only` may list.
pub const MAX_PATHS: usize = 100;
/// The most stages of an aggregate.
pub const MAX_STAGES: usize = 50;
/// The most keys, fields, operands and conditions in all the stages of an aggregate together.
pub const MAX_EXPRESSIONS: usize = 2_000;
/// The most levels of nested calculations.
pub const MAX_CALCULATION_DEPTH: usize = 10;
/// The most terms of an order: a sort's keys, those of the sorts before it, and a group's keys.
pub const MAX_ORDER_TERMS: usize = 250;
/// The most segments a path may have.
pub const MAX_SEGMENTS: usize = 10;
/// The most bytes a segment of a path may have.
pub const MAX_SEGMENT_BYTES: usize = 200;
/// The most values in all the lists of a request together.
pub const MAX_LIST_VALUES: usize = 10_000;
/// The most words of `contain` and its like, and of `keyword`, in a request.
pub const MAX_WORDS: usize = 500;
/// The most bytes of all those words together.
pub const MAX_WORD_BYTES: usize = 16 << 10;
/// The most regular expressions of a request. Most compile within milliseconds, the worst that were found in 0.2 s.
pub const MAX_PATTERNS: usize = 50;
/// The longest pattern that a client may send, in bytes.
pub const MAX_PATTERN_BYTES: usize = 1_000;
/// The most steps that a backtracking pattern may take from one position of a text.
pub const MAX_BACKTRACKS: usize = 100_000;
/// The longest text, in bytes, that a backtracking pattern runs over.
pub const MAX_BACKTRACKED_BYTES: usize = 16 << 10;
/// The most memory, in bytes, that a backtracking pattern may take over one text.
pub const MAX_BACKTRACKING_MEMORY: usize = 16 << 20;
/// The most Unicode properties of a pattern. A character is compared with each of those in brackets in turn.
pub const MAX_PROPERTIES: usize = 8;

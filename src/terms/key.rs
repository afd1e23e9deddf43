//! The keys of terms and their operators.

use crate::job::JobStatus;

use super::error::TermError;
use super::text::{is_key_letter, starts_key};

/// The kind of the values of a key, which decides its operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Status,
    Time,
    /// A path of a job, whose values may have any type.
    Any,
    /// All the members that plain words are looked for in.
    Anywhere,
}

/// An operator, as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Is,
    IsNot,
    Contains,
    ContainsNot,
    More,
    AtLeast,
    Less,
    AtMost,
}

/// A key: its name, and the path of the member of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) name: String,
    pub(super) path: String,
    pub(super) kind: Kind,
}

/// The short keys.
const KEYS: [(&str, &str, Kind); 15] = [
    ("status", "status", Kind::Status),
    ("collector", "collector_info.name", Kind::Text),
    ("provider", "collector_info.provider", Kind::Text),
    ("plugin", "collector_info.plugin_info.plugin_id", Kind::Text),
    ("version", "collector_info.plugin_info.version", Kind::Text),
    ("project", "project_id", Kind::Text),
    ("error", "errors.error_code", Kind::Text),
    ("message", "errors.message", Kind::Text),
    ("tasks", "total_tasks", Kind::Number),
    ("remained", "remained_tasks", Kind::Number),
    ("id", "job_id", Kind::Text),
    ("collector_id", "collector_id", Kind::Text),
    ("created", "created_at", Kind::Time),
    ("updated", "updated_at", Kind::Time),
    ("finished", "finished_at", Kind::Time),
];
/// Keys under the names of their members.
const MEMBERS: [(&str, &str, Kind); 8] = [
    ("workspace_id", "workspace_id", Kind::Text),
    ("resource_group", "resource_group", Kind::Text),
    ("secret_id", "secret_id", Kind::Text),
    ("request_secret_id", "request_secret_id", Kind::Text),
    ("request_workspace_id", "request_workspace_id", Kind::Text),
    ("success_tasks", "success_tasks", Kind::Number),
    ("failure_tasks", "failure_tasks", Kind::Number),
    ("anywhere", "", Kind::Anywhere),
];
/// The first members of paths that have no key.
const ROOTS: [&str; 4] = ["filter", "errors", "collector_info", "collector"];
/// The keys of the members that plain words are looked for in.
const WORD_KEYS: [&str; 7] = [
    "collector",
    "plugin",
    "provider",
    "project",
    "error",
    "message",
    "id",
];
/// The keys of members that every job has, so that one of two opposite comparisons holds.
const ALWAYS_THERE: [&str; 4] = ["tasks", "remained", "created", "updated"];
/// The path of the messages of errors.
pub(super) const MESSAGE: &str = "errors.message";

impl Sign {
    /// The operators in the order in which errors list them.
    const ALL: [Self; 8] = [
        Self::Is,
        Self::IsNot,
        Self::Contains,
        Self::ContainsNot,
        Self::More,
        Self::AtLeast,
        Self::Less,
        Self::AtMost,
    ];
    /// What is read as an operator, the longest first.
    const READ: [(&str, Self); 9] = [
        ("!=", Self::IsNot),
        ("!~", Self::ContainsNot),
        (">=", Self::AtLeast),
        ("<=", Self::AtMost),
        (":", Self::Is),
        ("=", Self::Is),
        (">", Self::More),
        ("<", Self::Less),
        ("~", Self::Contains),
    ];

    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Is => ":",
            Self::IsNot => "!=",
            Self::Contains => "~",
            Self::ContainsNot => "!~",
            Self::More => ">",
            Self::AtLeast => ">=",
            Self::Less => "<",
            Self::AtMost => "<=",
        }
    }

    /// Returns the operator that holds for the other jobs.
    pub(super) fn opposite(self) -> Self {
        match self {
            Self::Is => Self::IsNot,
            Self::IsNot => Self::Is,
            Self::Contains => Self::ContainsNot,
            Self::ContainsNot => Self::Contains,
            Self::More => Self::AtMost,
            Self::AtMost => Self::More,
            Self::Less => Self::AtLeast,
            Self::AtLeast => Self::Less,
        }
    }

    /// Returns the operator of the API for an order; `None` where it is no order.
    pub(super) fn order(self) -> Option<&'static str> {
        match self {
            Self::More => Some("gt"),
            Self::AtLeast => Some("gte"),
            Self::Less => Some("lt"),
            Self::AtMost => Some("lte"),
            Self::Is | Self::IsNot | Self::Contains | Self::ContainsNot => None,
        }
    }

    pub(super) fn is_negative(self) -> bool {
        matches!(self, Self::IsNot | Self::ContainsNot)
    }
}

impl Kind {
    pub(super) fn takes(self, sign: Sign) -> bool {
        match sign {
            Sign::Is => self != Self::Anywhere,
            Sign::IsNot => !matches!(self, Self::Time | Self::Anywhere),
            Sign::Contains => matches!(self, Self::Text | Self::Any),
            Sign::ContainsNot => matches!(self, Self::Text | Self::Any | Self::Anywhere),
            Sign::More | Sign::AtLeast | Sign::Less | Sign::AtMost => {
                matches!(self, Self::Number | Self::Time | Self::Any)
            }
        }
    }

    /// Returns the operators, as an error lists them.
    pub(super) fn signs(self) -> String {
        let signs = Sign::ALL.into_iter().filter(|sign| self.takes(*sign));
        signs.map(Sign::text).collect::<Vec<_>>().join(" ")
    }
}

impl Key {
    /// Returns whether every job has the member.
    pub(super) fn is_always_there(&self) -> bool {
        ALWAYS_THERE.contains(&self.name.as_str())
    }
}

/// Returns the paths of the members that plain words are looked for in.
pub(super) fn word_paths() -> impl Iterator<Item = &'static str> {
    let path_of = |name| KEYS.iter().find(|(key, ..)| *key == name);
    WORD_KEYS
        .into_iter()
        .filter_map(path_of)
        .map(|(_, path, _)| *path)
}

/// Divides the text of a term into key, operator and the rest; `None` for a plain word.
pub(super) fn divided(text: &str) -> Option<(&str, Sign, &str)> {
    if !text.starts_with(starts_key) {
        return None;
    }
    let end = text.find(|letter| !is_key_letter(letter))?;
    let (name, rest) = text.split_at(end);
    Sign::READ
        .into_iter()
        .find_map(|(written, sign)| Some((name, sign, rest.strip_prefix(written)?)))
}

/// Returns whether a text is one of the short keys, or the duration, which has none.
pub(super) fn is_short(name: &str) -> bool {
    KEYS.iter().any(|(key, ..)| *key == name) || is_duration(name)
}

/// Whether a name is that of the duration, which is no member of a job, so that the API has no condition for it.
fn is_duration(name: &str) -> bool {
    name.eq_ignore_ascii_case("duration")
}

/// Whether a text that has the form of a term is a part of a text that somebody looks for, such as `exceeded:` in an error's
/// message or an address: no value follows where more words do (`is_last` is false), or the key is none and not like one.
pub(super) fn is_plain_text(text: &str, is_last: bool, is_among_words: bool) -> bool {
    let Some((name, _, value)) = divided(text) else {
        return true;
    };
    if value.is_empty() && !is_last {
        return true;
    }
    let is_key = find(name).is_some() || is_duration(name) || nearest(name).is_some();
    !is_key && (value.is_empty() || is_among_words || value.starts_with('/') || value.contains(':'))
}

/// Finds a key by its name, or by the path of its member.
pub(super) fn find(name: &str) -> Option<Key> {
    let lower = name.to_lowercase();
    let known = KEYS
        .iter()
        .chain(&MEMBERS)
        .find(|(key, path, _)| *key == lower || *path == name);
    if let Some((key, path, kind)) = known {
        return Some(Key {
            name: (*key).to_owned(),
            path: (*path).to_owned(),
            kind: *kind,
        });
    }
    let root = name.split('.').next()?;
    let paths = KEYS.iter().chain(&MEMBERS).map(|(_, path, _)| *path);
    let is_root = ROOTS.into_iter().chain(paths).any(|known| known == root);
    (is_root && !root.is_empty()).then(|| Key {
        name: name.to_owned(),
        path: name.to_owned(),
        kind: Kind::Any,
    })
}

/// Returns the path of the member that a key names.
///
/// # Errors
/// [`TermError`] where there is no such key.
pub fn path_of(name: &str) -> Result<String, TermError> {
    let is_path = !name.contains("..") && !name.ends_with('.');
    let key = Some(name).filter(|_| is_path).and_then(find);
    let key = key.filter(|key| key.kind != Kind::Anywhere);
    key.map(|key| key.path).ok_or_else(|| unknown(name))
}

/// Says that there is no such key, and what would be right.
pub(super) fn unknown(name: &str) -> TermError {
    if is_duration(name) {
        return TermError::NoDuration;
    }
    let key = name.to_owned();
    if let Some(near) = nearest(name) {
        return TermError::NearKey { key, near };
    }
    let keys: Vec<_> = KEYS.iter().map(|(key, ..)| *key).collect();
    let keys = keys.join(", ");
    TermError::NoKey { key, keys }
}

/// Returns the key that is most like an unknown one; `None` where none is.
fn nearest(name: &str) -> Option<&'static str> {
    let lower = name.to_lowercase();
    let distances = KEYS.iter().chain(&MEMBERS).map(|(key, ..)| {
        let distance = strsim::levenshtein(&lower, key);
        (distance, *key)
    });
    let (distance, key) = distances.min_by_key(|(distance, _)| *distance)?;
    let most = if name.chars().count() < 5 { 1 } else { 2 };
    (distance <= most).then_some(key)
}

/// Returns the names of the statuses, as an error lists them.
pub(super) fn statuses() -> String {
    JobStatus::ALL.map(JobStatus::name).join(", ")
}

//! `Findings`: what a translation has found out about a document.

use super::field_path::FieldPath;
use super::translation::{Translation, Translations};

/// The most members whose other location in the text is remembered; mistakes in the others name the member above.
const MAX_MOVED: usize = 1_000;
/// The most mistakes of one job that are named.
pub(super) const MAX_MISTAKES: usize = 20;

/// Something wrong in a document.
#[derive(Debug, PartialEq)]
pub(super) struct Mistake {
    /// Where it is in the text.
    pub(super) path: FieldPath,
    /// Whether the name of the member is wrong, not its value.
    pub(super) is_name: bool,
    pub(super) problem: String,
}

/// The translations and mistakes of a document, and where its members were written.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// Whether the document has the defaults of protobuf: its empty texts are no values.
    pub(super) has_defaults: bool,
    pub(super) translations: Translations,
    pub(super) mistakes: Vec<Mistake>,
    /// The members that are elsewhere in the text: their path here and there.
    moved: Vec<(FieldPath, FieldPath)>,
}

impl Findings {
    /// Makes the findings of a document before its first member.
    pub(super) fn new(has_defaults: bool) -> Self {
        Self {
            has_defaults,
            ..Self::default()
        }
    }

    /// Notes a translation.
    pub(super) fn note(&mut self, translation: Translation) {
        self.translations.insert(translation);
    }

    /// Notes that what is at `path` was written elsewhere.
    pub(super) fn moved(&mut self, path: FieldPath, written: FieldPath) {
        if self.moved.len() < MAX_MOVED {
            self.moved.push((path, written));
        }
    }

    /// Returns where a value was written.
    pub(super) fn written(&self, path: &FieldPath) -> FieldPath {
        let moved = self.moved.iter();
        let nearest = moved
            .filter_map(|(here, there)| Some((here, there, path.below(here)?)))
            .max_by_key(|(here, _, _)| here.0.len());
        match nearest {
            Some((_, there, below)) => FieldPath(there.0.iter().chain(below).cloned().collect()),
            None => path.clone(),
        }
    }

    /// Notes a member that is given under two names.
    pub(super) fn twice(&mut self, written: FieldPath, name: &str) {
        self.wrong_name(written, || {
            format!("repeats `{name}`, which is given in another spelling")
        });
    }

    /// Notes that the name of a member is wrong.
    pub(super) fn wrong_name(&mut self, path: FieldPath, problem: impl FnOnce() -> String) {
        self.mistake(path, true, problem);
    }

    /// Notes that a value is wrong.
    pub(super) fn wrong(&mut self, path: FieldPath, problem: String) {
        self.mistake(path, false, || problem);
    }

    /// Notes a mistake, unless enough are known.
    fn mistake(&mut self, path: FieldPath, is_name: bool, problem: impl FnOnce() -> String) {
        if self.mistakes.len() < MAX_MISTAKES {
            self.mistakes.push(Mistake {
                path,
                is_name,
                problem: problem(),
            });
        }
    }
}

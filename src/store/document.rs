//! A stored document, joined from its pieces.

use super::error::StoreError;
use crate::job::BEFORE_COLLECTOR_INFO;
use crate::query::list::document_form::DocumentForm;

/// A document in the pieces in which it is stored: joined in order they are its text.
#[derive(Debug, Clone, Copy)]
pub struct Document<'d>([&'d str; 4]);

impl<'d> Document<'d> {
    /// A document in the pieces of a row of `jobs`, with the text of its collector.
    pub(super) fn from_pieces(
        head: &'d str,
        collector_info: Option<&'d str>,
        tail: &'d str,
    ) -> Self {
        Self(match collector_info {
            Some(info) => [head, BEFORE_COLLECTOR_INFO, info, tail],
            None => [head, "", "", tail],
        })
    }

    /// A document that a statement returns as one text.
    pub(super) fn from_text(text: &'d str) -> Self {
        Self([text, "", "", ""])
    }

    /// Appends the text to `out`.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        for piece in self.0 {
            out.extend_from_slice(piece.as_bytes());
        }
    }

    /// Appends the document to `out` in the form of an answer.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when the text is no document.
    pub fn write_as(&self, form: &DocumentForm, out: &mut Vec<u8>) -> Result<(), StoreError> {
        form.write(self.0, out)
            .map_err(|error| StoreError::Damaged(error.to_string()))
    }

    /// Returns the whole text.
    #[must_use]
    pub fn to_text(&self) -> String {
        self.0.concat()
    }
}

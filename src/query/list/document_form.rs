//! The form in which the documents of a list are answered: as they are stored, or as today's SpaceONE has them.

use serde_json::{Map, Value};

use crate::job::of_today;
use crate::query::check::list::Form;
use crate::query::eval::projection::Projection;

/// How a document that was read becomes one of the answer.
#[derive(Debug, Clone, PartialEq)]
pub enum DocumentForm {
    /// Unchanged.
    Stored,
    /// In the form of today, reduced to a projection if there is one.
    Today(Option<Projection>),
}

impl DocumentForm {
    pub(super) fn new(form: &Form) -> Self {
        match form {
            Form::Stored => Self::Stored,
            Form::Today(paths) => Self::Today(paths.as_ref().map(Projection::new)),
        }
    }

    /// Appends to `out` what is answered for a document, of which `document` has the pieces.
    ///
    /// # Errors
    /// When the document is not a JSON object.
    pub fn write(&self, document: [&str; 4], out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        let Self::Today(projection) = self else {
            for piece in document {
                out.extend_from_slice(piece.as_bytes());
            }
            return Ok(());
        };
        let stored: Map<String, Value> = serde_json::from_str(&document.concat())?;
        let mut job = of_today(stored);
        if let Some(projection) = projection {
            job = projection.members_of(job);
        }
        serde_json::to_writer(out, &job)
    }
}

//! How the parameters of a query string were written, for errors.

use crate::query::error::QueryError;

/// The parameters with brackets as they were written, by the location that errors have.
#[derive(Debug, Default)]
pub struct Spellings(Vec<(String, String)>);

impl Spellings {
    /// Adds a parameter.
    pub(super) fn add(&mut self, location: String, spelt: String) {
        self.0.push((location, spelt));
    }

    /// Returns an error with its location as the client wrote it.
    #[must_use]
    pub fn respelt(&self, mut error: QueryError) -> QueryError {
        if let Some(location) = error.location_mut() {
            let long = with_long_names(location);
            let mut all = self.0.iter();
            if let Some((_, spelt)) = all.find(|(known, _)| with_long_names(known) == long) {
                spelt.clone_into(location);
            }
        }
        error
    }
}

/// Returns a location with the long names of members: an error about a name has it in any spelling.
fn with_long_names(location: &str) -> String {
    let members = location.split('.').map(|member| match member {
        "k" => "key",
        "v" => "value",
        "o" => "operator",
        other => other,
    });
    members.collect::<Vec<_>>().join(".")
}

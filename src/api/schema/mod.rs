//! Messages in the words of JSON Schema: answers, bodies, parameters, errors, examples.

pub(super) mod answers;
pub(super) mod bodies;
pub(super) mod errors;
pub(super) mod examples;
pub(super) mod params;
#[expect(dead_code, reason = "of the types only the shape is described")]
pub(super) mod query;

//! The schemas of the HTTP API for OpenAPI: answers, bodies, parameters, errors, examples.

pub(super) mod answers;
pub(super) mod bodies;
pub(super) mod errors;
pub(super) mod examples;
pub(super) mod params;

//! `/openapi.json`: a valid document, complete, and true of the server that serves it.

mod answers;
mod bodies;
mod clients;
mod document;
mod errors;
mod examples;
mod limits;
mod parameters;
mod queries;
mod routes;

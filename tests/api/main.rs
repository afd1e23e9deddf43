//! The API over HTTP, against the real server.
#![cfg(test)]

mod app;
mod caching;
mod conditions;
mod conformance;
mod cors;
mod counters;
mod documentation;
mod export;
mod faults;
mod journal;
mod metrics;
mod openapi;
mod routes;
mod states;
mod statistics;
mod streaming;
mod tenancy;
mod tokens;
mod writing;

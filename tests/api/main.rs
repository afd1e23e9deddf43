//! The API over HTTP, against the real server.
#![cfg(test)]

mod analyze;
mod app;
mod base_path;
mod caching;
mod conditions;
mod conformance;
mod connections;
mod cors;
mod counters;
mod documentation;
mod events;
mod export;
mod faults;
mod grpc;
mod journal;
mod metrics;
mod notifications;
mod openapi;
mod overview;
mod requests;
mod routes;
mod scans;
mod states;
mod statistics;
mod streaming;
mod tenancy;
mod today;
mod tokens;
mod writing;

//! jobdeck keeps SpaceONE inventory jobs in SQLite, answers the inventory Job API over HTTP, and shows them in a page.
//!
//! The layers, from the top; tests/house checks that modules import only from layers below, and no files in a circle:
//!
//! | layer | modules | |
//! | --- | --- | --- |
//! | 1 | `main`, `cli` | the binary: arguments to a checked configuration, logger, exit code |
//! | 2 | [`server`] | binds, wires the routes, runs |
//! | 3 | [`api`], [`ui`] | the routes; the page and the documentation; with `server` the only users of actix |
//! | 4 | [`mock`], [`notify`] | what a mock adds: jobs with lives, faults, snapshots, the journal; notifications of failures |
//! | 5 | [`transfer`], [`demo`] | import and export; made-up jobs |
//! | 6 | [`store`] | the database: the only user of rusqlite and r2d2 |
//! | 7 | [`query`], [`terms`] | the query language: pure, no driver, no framework, no clock; the search terms of people |
//! | 8 | [`job`] | the document |
//! | 9 | [`clock`], [`tokens`], [`route`] | the time, for the server and each domain; who may do what; the table of routes |
//! | 10 | [`columns`], [`docs`], [`json`], [`time`], `watched_file` | blocks of jobs by column; the documentation; strict JSON, and messages read from it; timestamps; small files that are read again |
//!
//! A request takes one way: bytes, [`query::request`], a plan, [`store::ReadTransaction`], bytes. What a client sent never
//! becomes SQL text; every read of jobs begins with the domain; a document is copied to the answer as it lies in the database.

pub mod api;
pub mod clock;
pub mod columns;
pub mod demo;
pub mod docs;
mod grpc;
pub mod job;
pub mod json;
pub mod mock;
pub mod notify;
pub mod query;
pub mod route;
pub mod server;
pub mod store;
pub mod terms;
pub mod time;
pub mod tokens;
pub mod transfer;
pub mod ui;
mod watched_file;

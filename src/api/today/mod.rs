//! SpaceONE's routes of today: the Job API as its clients call it by POST, over HTTP and gRPC, and what its console asks when
//! it starts.
//!
//! `verbs` has one function a verb, which `gateway`, `proto` and `grpc` bind to their paths.

pub(super) mod console;
mod domain;
pub(super) mod gateway;
pub(super) mod grpc;
mod handlers;
pub(super) mod proto;
mod verbs;

pub(super) use domain::default_domain;

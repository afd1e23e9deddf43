//! SpaceONE's inventory Job API over gRPC, as its own clients speak it.
//!
//! This is a wire alone: a message becomes the JSON that REST takes, and the JSON that REST answers becomes a message. What happens
//! between is the application's, which gets each request as a [`Call`]; nothing is evaluated here. The messages are those of
//! SpaceONE's generation 1.6 to 1.10, and the descriptor has what clients of both generations need.

mod call;
mod codec;
mod descriptor;
mod health;
mod listener;
mod messages;
mod method;
mod paced;
mod serve;
mod service;
mod status;

pub(crate) use self::call::{Answer, Call, CallBody, NoAnswer};
pub(crate) use self::serve::serve;

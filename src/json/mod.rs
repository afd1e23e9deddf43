//! JSON as it comes from outside: [`strict`] reads text into values, [`message`] reads values into the types of messages.

pub mod message;
pub mod names;
pub mod strict;

pub use strict::{MAX_DEPTH, MAX_VALUES, ObjectOnly, Strict, StrictObject, read, type_name};

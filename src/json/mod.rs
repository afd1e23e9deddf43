//! JSON from outside: [`strict`] parses text into values, [`message`] converts values to the types of messages.

pub mod message;
pub mod names;
pub mod strict;

pub use strict::{MAX_DEPTH, MAX_VALUES, ObjectOnly, Strict, StrictObject, read, type_name};

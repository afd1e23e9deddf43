//! JSON from outside: [`strict`] parses text into values, [`message`] converts values to the types of messages, and
//! [`tree`] is what a message is parsed to, [`scan`] finds where values lie in a text.

pub mod message;
pub mod names;
pub mod scan;
pub mod strict;
pub mod tree;

pub use strict::{
    MAX_DEPTH, MAX_VALUES, ObjectOnly, Strict, StrictObject, read, read_tree, type_name,
};
pub use tree::Tree;
